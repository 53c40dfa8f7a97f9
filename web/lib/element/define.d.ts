import { SightlineCamera } from "./camera.ts";
declare global {
    interface HTMLElementTagNameMap {
        "sightline-camera": SightlineCamera;
    }
}
export { SightlineCamera };
