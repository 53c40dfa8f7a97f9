import { html, type TemplateResult } from "lit";

/** What a button that acts while it is held does. */
export interface Held {
  label: string;
  icon: unknown;
  /** Further classes of it. */
  look?: string;
  /** Whether what it does is going on. */
  on: boolean;
  press(): void;
  release(): void;
  /** What a click does that no pointer and no key has made, as assistive technology sends it. */
  tap(): void;
}

/** Draws a button that acts from press to release, by pointer, touch, space bar or Enter, and stops when it loses the focus. */
export function heldButton({ label, icon, look = "", on, press, release, tap }: Held): TemplateResult {
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    // A finger that slides off still lets go of this button.
    (event.currentTarget as Element).setPointerCapture?.(event.pointerId);
    press();
  };
  const key = (then: () => void) => (event: KeyboardEvent) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) then();
  };
  return html`<button
    class="held ${look}"
    title=${label}
    aria-label=${label}
    aria-pressed=${on}
    @pointerdown=${down}
    @pointerup=${release}
    @pointercancel=${release}
    @lostpointercapture=${release}
    @contextmenu=${(event: Event) => event.preventDefault()}
    @keydown=${key(press)}
    @keyup=${key(release)}
    @blur=${release}
    @click=${(event: MouseEvent) => event.detail === 0 && tap()}
  >
    ${icon}
  </button>`;
}
