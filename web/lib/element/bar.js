import { html, nothing } from "lit";
import { heldButton } from "./hold.js";
import { ICONS } from "./icons.js";
import { LABELS, RENDITION_WORDS } from "./words.js";
/** Draws the buttons at the bottom: only those of what can be done. */
export function bar(view, face, act) {
    const live = view.state === "live";
    const { camera } = view;
    return html `<div class="bottom">
    ${live && camera?.talk ? talk(view, act) : nothing} ${live && camera?.ptz ? mover(face, act) : nothing}
    <span class="grow"></span>
    ${live ? button(LABELS.snapshot, ICONS.still, act.snapshot) : nothing}
    ${live && camera && camera.renditions.length > 1 ? quality(view, face, act) : nothing}
    ${face.audible && live
        ? button(face.muted ? LABELS.soundOn : LABELS.soundOff, face.muted ? ICONS.muted : ICONS.sound, act.toggleSound)
        : nothing}
    ${view.stats || face.open === "panel"
        ? toggle(LABELS.stats, ICONS.stats, face.open === "panel", () => act.toggle("panel"))
        : nothing}
    ${button(face.fullscreen ? LABELS.leaveFullscreen : LABELS.fullscreen, face.fullscreen ? ICONS.shrink : ICONS.expand, act.toggleFullscreen)}
  </div>`;
}
function talk({ talk: { state } }, act) {
    return heldButton({
        label: state === "on" ? LABELS.talking : LABELS.talk,
        icon: ICONS.microphone,
        look: `talk ${state}`,
        on: state !== "off",
        press: () => act.talk(true),
        release: () => act.talk(false),
        tap: () => act.talk(state === "off"),
    });
}
function mover(face, act) {
    return toggle(LABELS.moveCamera, ICONS.move, face.open === "pad", () => act.toggle("pad"));
}
function quality({ camera }, face, act) {
    const sent = camera?.rendition;
    return html `<button
    class="quality"
    title=${LABELS.quality}
    aria-label=${sent ? `${LABELS.quality}: ${RENDITION_WORDS[sent]}` : LABELS.quality}
    aria-haspopup="menu"
    aria-expanded=${face.open === "menu"}
    @click=${() => act.toggle("menu")}
  >
    ${sent ? RENDITION_WORDS[sent] : LABELS.auto}
  </button>`;
}
function toggle(label, icon, on, click) {
    return html `<button title=${label} aria-label=${label} aria-pressed=${on} @click=${click}>${icon}</button>`;
}
function button(label, icon, click) {
    return html `<button title=${label} aria-label=${label} @click=${click}>${icon}</button>`;
}
//# sourceMappingURL=bar.js.map