import { html, nothing, type TemplateResult } from "lit";
import type { View } from "../viewer/view.ts";
import { ICONS } from "./icons.ts";
import { panel } from "./panel.ts";
import { LABELS, PICTURE_CONTINUES, plainWords, STATE_WORDS, wordsFor } from "./words.ts";

/** What the face shows beside the view. */
export interface FaceState {
  name: string;
  panelOpen: boolean;
  /** Whether there is sound, and whether it is off. */
  audible: boolean;
  muted: boolean;
  fullscreen: boolean;
  /** Whether nobody has touched the player for a while. */
  quiet: boolean;
}

/** What a person can do. */
export interface FaceActions {
  toggleSound(): void;
  togglePanel(): void;
  toggleFullscreen(): void;
  again(): void;
  touched(): void;
  key(event: KeyboardEvent): void;
}

/** Draws the player around its video element. */
export function face(view: View, face: FaceState, act: FaceActions, video: TemplateResult): TemplateResult {
  const live = view.state === "live";
  const lost = live && view.reason === "link_lost";
  const classes = [
    view.state,
    lost ? "lost" : "",
    view.reason === "stalled" ? "stalled" : "",
    live && face.quiet && !face.panelOpen ? "quiet" : "",
  ].join(" ");
  return html`<section
    class=${classes}
    aria-label=${`${LABELS.camera} ${face.name}`}
    @pointermove=${act.touched}
    @pointerdown=${act.touched}
    @keydown=${act.key}
  >
    ${video} ${live ? nothing : veil(view, act)}
    <div class="top">
      <span class="pill"><span class="dot"></span>${status(view)}</span>
      ${badge(view)}
      <span class="grow name">${face.name}</span>
    </div>
    ${lost ? html`<div class="notice"><span class="pill">${ICONS.signal}${PICTURE_CONTINUES}</span></div>` : nothing}
    ${face.panelOpen ? panel(view) : nothing}
    <div class="sr" role="status">${spoken(view)}</div>
    ${view.state === "idle" ? nothing : controls(view, face, act)}
  </section>`;
}

function controls(view: View, face: FaceState, act: FaceActions): TemplateResult {
  return html`<div class="bottom">
    <span class="grow"></span>
    ${
      face.audible && view.state === "live"
        ? button(face.muted ? LABELS.soundOn : LABELS.soundOff, face.muted ? ICONS.muted : ICONS.sound, act.toggleSound)
        : nothing
    }
    ${
      view.stats || face.panelOpen
        ? html`<button
            title=${LABELS.stats}
            aria-label=${LABELS.stats}
            aria-pressed=${face.panelOpen}
            @click=${act.togglePanel}
          >
            ${ICONS.stats}
          </button>`
        : nothing
    }
    ${button(
      face.fullscreen ? LABELS.leaveFullscreen : LABELS.fullscreen,
      face.fullscreen ? ICONS.shrink : ICONS.expand,
      act.toggleFullscreen,
    )}
  </div>`;
}

function button(label: string, icon: unknown, click: () => void): TemplateResult {
  return html`<button title=${label} aria-label=${label} @click=${click}>${icon}</button>`;
}

function veil(view: View, act: FaceActions): TemplateResult {
  const words = wordsFor(view);
  const busy = view.state === "connecting" || view.state === "waiting";
  return html`<div class="veil ${busy ? "busy" : ""}">
    <div class="emblem">${emblem(view)}</div>
    <h2>${words.title}</h2>
    ${words.detail ? html`<p>${words.detail}</p>` : nothing}
    ${view.state === "closed" ? html`<button class="again" @click=${act.again}>${LABELS.again}</button>` : nothing}
  </div>`;
}

function emblem({ state, reason }: View): unknown {
  if (state === "closed") return ICONS.stop;
  if (reason === "offline" || reason === "device_offline" || reason === "stalled") return ICONS.away;
  return reason === "link_lost" ? ICONS.signal : ICONS.camera;
}

function badge({ path }: View): unknown {
  if (!path) return nothing;
  const title = path === "direct" ? LABELS.directTitle : LABELS.relayTitle;
  return html`<span class="pill ${path}" title=${title}>${ICONS[path]}${LABELS[path]}</span>`;
}

/** Two words at most, for the pill; the veil says the rest. */
function status({ state, reason }: View): string {
  if (state === "waiting" && (reason === "offline" || reason === "device_offline")) return "Offline";
  return { idle: "Idle", connecting: STATE_WORDS.connecting.title, live: "Live", waiting: "Waiting", closed: "Ended" }[
    state
  ];
}

/** What a screen reader says when something changes. */
function spoken(view: View): string {
  if (view.state === "live") return view.reason ? PICTURE_CONTINUES : STATE_WORDS.live.title;
  const { title, detail } = plainWords(view);
  return detail ? `${title}. ${detail}` : title;
}
