import { html } from "lit";
import { heldButton } from "./hold.js";
import { ICONS } from "./icons.js";
import { LABELS } from "./words.js";
/** A click of assistive technology moves the camera for so long (milliseconds). */
const nudge = 400;
/** Draws what moves the camera: a cross of arrows with home in its middle, and the zoom beside it. */
export function pad(face, act) {
    const arrow = (move) => heldButton({
        label: LABELS[move],
        icon: ICONS[move],
        look: move,
        on: face.moves(move),
        press: () => act.hold(move),
        release: () => act.letGo(move),
        tap: () => {
            act.hold(move);
            setTimeout(() => act.letGo(move), nudge);
        },
    });
    return html `<div class="pad" role="group" aria-label=${LABELS.moveCamera}>
    ${["up", "left", "right", "down", "closer", "wider"].map(arrow)}
    <button class="home" title=${LABELS.home} aria-label=${LABELS.home} @click=${act.home}>${ICONS.home}</button>
  </div>`;
}
//# sourceMappingURL=pad.js.map