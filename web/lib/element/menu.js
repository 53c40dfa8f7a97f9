import { html } from "lit";
import { ICONS } from "./icons.js";
import { LABELS, RENDITION_WORDS } from "./words.js";
/** Draws the choice of renditions. */
export function menu(camera, act) {
    const chosen = camera.auto ? undefined : camera.rendition;
    const items = [
        { name: undefined, title: LABELS.auto, detail: "", chosen: chosen === undefined },
        ...camera.renditions.map(({ name, width, height }) => ({
            name,
            title: RENDITION_WORDS[name],
            detail: width > 0 ? `${width} × ${height}` : "",
            chosen: chosen === name,
        })),
    ];
    return html `<div id="menu" class="menu" role="menu" aria-label=${LABELS.quality} @keydown=${keys}>
    ${items.map(({ name, title, detail, chosen }) => html `<button
          role="menuitemradio"
          aria-checked=${chosen}
          tabindex=${chosen ? 0 : -1}
          @click=${() => act.choose(name)}
        >
          <span class="tick">${chosen ? ICONS.tick : ""}</span>${title}<small>${detail}</small>
        </button>`)}
  </div>`;
}
/** Goes through the choices as the keys of a menu do. */
function keys(event) {
    const items = [...event.currentTarget.querySelectorAll("button")];
    const at = items.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined)
        return;
    event.preventDefault();
    event.stopPropagation();
    items[to % items.length]?.focus();
}
//# sourceMappingURL=menu.js.map