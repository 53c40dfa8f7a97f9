import type { Camera } from "../protocol/control.ts";
import type { FaceActions, Opened } from "./face.ts";
import { MOVE_KEYS } from "./moving.ts";

/** What a key may do depends on what the camera can, and on what is open. */
export interface KeyPlace {
  camera: Camera | undefined;
  open: Opened | undefined;
}

/** Does what a key stands for; it is called for its press and for its release. */
export function onKey(event: KeyboardEvent, { camera, open }: KeyPlace, act: FaceActions): void {
  const down = event.type === "keydown";
  const move = MOVE_KEYS[event.key];
  if (down && (event.ctrlKey || event.metaKey || event.altKey)) return;
  if (move && camera?.ptz) {
    // Otherwise the page would scroll.
    event.preventDefault();
    if (!down) act.letGo(move);
    else if (!event.repeat) act.hold(move);
  } else if (event.key === " " && camera?.talk && !(event.composedPath()[0] instanceof HTMLButtonElement)) {
    event.preventDefault();
    if (!event.repeat) act.talk(down);
  } else if (down) press(event.key, open, act);
}

function press(key: string, open: Opened | undefined, act: FaceActions): void {
  switch (key) {
    case "f":
      act.toggleFullscreen();
      break;
    case "m":
      act.toggleSound();
      break;
    case "i":
      act.toggle("panel");
      break;
    case "Escape":
      if (open) act.toggle(open);
      break;
    default:
      act.touched();
  }
}
