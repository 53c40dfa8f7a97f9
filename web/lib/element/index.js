/** The element's class and words; `@sightline/viewer/element/define` registers it as `<sightline-camera>`. */
export { SightlineCamera } from "./camera.js";
export { LABELS, PICTURE_CONTINUES, STATE_WORDS, WHY_WORDS, wordsFor } from "./words.js";
//# sourceMappingURL=index.js.map