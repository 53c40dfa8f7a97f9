import { SightlineCamera } from "./camera.ts";

if (!customElements.get("sightline-camera")) customElements.define("sightline-camera", SightlineCamera);

declare global {
  interface HTMLElementTagNameMap {
    "sightline-camera": SightlineCamera;
  }
}

export { SightlineCamera };
