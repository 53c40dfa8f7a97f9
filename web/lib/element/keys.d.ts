import type { Camera } from "../protocol/control.ts";
import type { FaceActions, Opened } from "./face.ts";
/** What a key may do depends on what the camera can, and on what is open. */
export interface KeyPlace {
    camera: Camera | undefined;
    open: Opened | undefined;
}
/** Does what a key stands for; it is called for its press and for its release. */
export declare function onKey(event: KeyboardEvent, { camera, open }: KeyPlace, act: FaceActions): void;
