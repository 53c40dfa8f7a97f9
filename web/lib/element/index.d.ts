/** The element's class and words; `@sightline/viewer/element/define` registers it as `<sightline-camera>`. */
export { SightlineCamera } from "./camera.ts";
export { LABELS, PICTURE_CONTINUES, STATE_WORDS, WHY_WORDS, type Words, wordsFor } from "./words.ts";
