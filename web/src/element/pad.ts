import { html, type TemplateResult } from "lit";
import type { FaceActions, FaceState } from "./face.ts";
import { heldButton } from "./hold.ts";
import { ICONS } from "./icons.ts";
import type { Move } from "./moving.ts";
import { LABELS } from "./words.ts";

/** A click of assistive technology moves the camera for so long (milliseconds). */
const nudge = 400;

/** Draws what moves the camera: a cross of arrows with home in its middle, and the zoom beside it. */
export function pad(face: FaceState, act: FaceActions): TemplateResult {
  const arrow = (move: Move) =>
    heldButton({
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
  return html`<div class="pad" role="group" aria-label=${LABELS.moveCamera}>
    ${(["up", "left", "right", "down", "closer", "wider"] as const).map(arrow)}
    <button class="home" title=${LABELS.home} aria-label=${LABELS.home} @click=${act.home}>${ICONS.home}</button>
  </div>`;
}
