import { SightlineCamera } from "./camera.js";
if (!customElements.get("sightline-camera"))
    customElements.define("sightline-camera", SightlineCamera);
export { SightlineCamera };
//# sourceMappingURL=define.js.map