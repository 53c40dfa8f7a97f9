import { html, type TemplateResult } from "lit";
import type { Camera, RenditionName } from "../protocol/control.ts";
import type { FaceActions } from "./face.ts";
import { ICONS } from "./icons.ts";
import { LABELS, RENDITION_WORDS } from "./words.ts";

/** One choice of the menu; a name that is undefined leaves it to the camera. */
interface Item {
  name: RenditionName | undefined;
  title: string;
  detail: string;
  chosen: boolean;
}

/** Draws the choice of renditions. */
export function menu(camera: Camera, act: FaceActions): TemplateResult {
  const chosen = camera.auto ? undefined : camera.rendition;
  const items: Item[] = [
    { name: undefined, title: LABELS.auto, detail: "", chosen: chosen === undefined },
    ...camera.renditions.map(({ name, width, height }) => ({
      name,
      title: RENDITION_WORDS[name],
      detail: width > 0 ? `${width} × ${height}` : "",
      chosen: chosen === name,
    })),
  ];
  return html`<div id="menu" class="menu" role="menu" aria-label=${LABELS.quality} @keydown=${keys}>
    ${items.map(
      ({ name, title, detail, chosen }) =>
        html`<button
          role="menuitemradio"
          aria-checked=${chosen}
          tabindex=${chosen ? 0 : -1}
          @click=${() => act.choose(name)}
        >
          <span class="tick">${chosen ? ICONS.tick : ""}</span>${title}<small>${detail}</small>
        </button>`,
    )}
  </div>`;
}

/** Goes through the choices as the keys of a menu do. */
function keys(event: KeyboardEvent): void {
  const items = [...(event.currentTarget as Element).querySelectorAll<HTMLElement>("button")];
  const at = items.indexOf(event.target as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  items[to % items.length]?.focus();
}
