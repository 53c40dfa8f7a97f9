import { html, nothing } from "lit";
import { bar } from "./bar.js";
import { ICONS } from "./icons.js";
import { menu } from "./menu.js";
import { pad } from "./pad.js";
import { panel } from "./panel.js";
import { LABELS, PICTURE_CONTINUES, plainWords, SOURCE_WORDS, STATE_WORDS, sourceWords, TALK_WORDS, wordsFor, } from "./words.js";
/** Draws the player around its video element. */
export function face(view, face, act, video) {
    const live = view.state === "live";
    const lost = live && view.reason === "link_lost";
    const classes = [
        view.state,
        lost ? "lost" : "",
        view.reason === "stalled" ? "stalled" : "",
        live && view.camera && view.camera.source !== "up" ? "away" : "",
        live && face.quiet && !face.open && view.talk.state === "off" ? "quiet" : "",
    ].join(" ");
    return html `<section
    class=${classes}
    tabindex="0"
    aria-label=${`${LABELS.camera} ${face.name}`}
    @pointermove=${act.touched}
    @pointerdown=${act.pressed}
    @focusout=${act.left}
    @keydown=${act.key}
    @keyup=${act.keyUp}
  >
    ${view.poster ? poster(view.poster) : nothing} ${video} ${live ? nothing : veil(view, act)}
    <div class="top">
      <span class="pill"><span class="dot"></span>${status(view)}</span>
      ${badge(view)}
      <span class="grow name">${face.name}</span>
    </div>
    ${live ? notices(view, face) : nothing}
    ${face.open === "panel" ? panel(view) : nothing}
    ${live && face.open === "pad" && view.camera?.ptz ? pad(face, act) : nothing}
    ${live && face.open === "menu" && view.camera ? menu(view.camera, act) : nothing}
    <div class="sr" role="status">${spoken(view, face)}</div>
    ${view.state === "idle" ? nothing : bar(view, face, act)}
  </section>`;
}
/** The camera's latest still picture, which is no more than a help: one that cannot be shown is left out. */
function poster(url) {
    const gone = ({ currentTarget }) => (currentTarget.hidden = true);
    return html `<img class="poster" part="poster" src=${url} alt="" @error=${gone} />`;
}
/** What is said over a live picture, each in a line of its own. */
function notices({ reason, camera, retryAt, talk }, face) {
    const source = camera?.source ?? "up";
    const lines = [];
    if (reason === "link_lost")
        lines.push([ICONS.signal, PICTURE_CONTINUES]);
    if (source !== "up")
        lines.push([ICONS.away, sourceWords(source, retryAt)]);
    if (talk.hint)
        lines.push([ICONS.microphone, TALK_WORDS[talk.hint]]);
    else if (camera?.talking && talk.state !== "on")
        lines.push([ICONS.microphone, LABELS.othersTalk]);
    if (face.word)
        lines.push([ICONS.still, face.word]);
    if (lines.length === 0)
        return nothing;
    return html `<div class="notice">
    ${lines.map(([icon, words]) => html `<span class="pill">${icon}<span>${words}</span></span>`)}
  </div>`;
}
function veil(view, act) {
    const words = wordsFor(view);
    const busy = view.state === "connecting" || view.state === "waiting";
    return html `<div class="veil ${busy ? "busy" : ""}">
    <div class="emblem">${emblem(view)}</div>
    <h2>${words.title}</h2>
    ${words.detail ? html `<p>${words.detail}</p>` : nothing}
    ${view.state === "closed" ? html `<button class="again" @click=${act.again}>${LABELS.again}</button>` : nothing}
  </div>`;
}
function emblem({ state, reason, camera }) {
    if (state === "closed")
        return ICONS.stop;
    if (reason === "offline" || reason === "device_offline" || reason === "stalled")
        return ICONS.away;
    if (camera?.source === "down")
        return ICONS.away;
    return reason === "link_lost" ? ICONS.signal : ICONS.camera;
}
function badge({ path }) {
    if (!path)
        return nothing;
    const title = path === "direct" ? LABELS.directTitle : LABELS.relayTitle;
    return html `<span class="pill ${path}" title=${title}>${ICONS[path]}${LABELS[path]}</span>`;
}
/** Two words at most, for the pill; the veil says the rest. */
function status({ state, reason, camera }) {
    if (state === "waiting" && (reason === "offline" || reason === "device_offline"))
        return "Offline";
    if (state === "live" && camera?.source === "down")
        return "Offline";
    return { idle: "Idle", connecting: STATE_WORDS.connecting.title, live: "Live", waiting: "Waiting", closed: "Ended" }[state];
}
/** What a screen reader says when something changes: no countdown, which would change every second. */
function spoken(view, { word }) {
    if (view.state !== "live") {
        const { title, detail } = plainWords(view);
        return detail ? `${title}. ${detail}` : title;
    }
    if (view.talk.hint)
        return TALK_WORDS[view.talk.hint];
    if (view.talk.state === "on")
        return LABELS.talking;
    if (word)
        return word;
    if (view.camera && view.camera.source !== "up")
        return SOURCE_WORDS[view.camera.source];
    return view.reason ? PICTURE_CONTINUES : STATE_WORDS.live.title;
}
//# sourceMappingURL=face.js.map