import { html } from "lit";
/** Draws a button that acts from press to release, by pointer, touch, space bar or Enter, and stops when it loses the focus. */
export function heldButton({ label, icon, look = "", on, press, release, tap }) {
    const down = (event) => {
        if (event.button !== 0)
            return;
        // A finger that slides off still lets go of this button.
        event.currentTarget.setPointerCapture?.(event.pointerId);
        press();
    };
    const key = (then) => (event) => {
        if (event.key !== " " && event.key !== "Enter")
            return;
        event.preventDefault();
        event.stopPropagation();
        if (!event.repeat)
            then();
    };
    return html `<button
    class="held ${look}"
    title=${label}
    aria-label=${label}
    aria-pressed=${on}
    @pointerdown=${down}
    @pointerup=${release}
    @pointercancel=${release}
    @lostpointercapture=${release}
    @contextmenu=${(event) => event.preventDefault()}
    @keydown=${key(press)}
    @keyup=${key(release)}
    @blur=${release}
    @click=${(event) => event.detail === 0 && tap()}
  >
    ${icon}
  </button>`;
}
//# sourceMappingURL=hold.js.map