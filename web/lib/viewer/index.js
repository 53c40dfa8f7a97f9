/** Link, session, token and presence as one state for people. */
export { AFTERWARDS } from "./afterwards.js";
export { Controls } from "./controls.js";
export { TALK_HINTS } from "./talking.js";
export { HINTS, STATES } from "./view.js";
export { Viewer } from "./viewer.js";
//# sourceMappingURL=index.js.map