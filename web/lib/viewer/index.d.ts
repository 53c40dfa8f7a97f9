/** Link, session, token and presence as one state for people. */
export { AFTERWARDS, type Afterwards } from "./afterwards.ts";
export { type CameraView, Controls } from "./controls.ts";
export type { TokenProvider, ViewerEvents, ViewerOptions } from "./options.ts";
export { TALK_HINTS, type TalkHint, type TalkState, type TalkView } from "./talking.ts";
export { HINTS, type Hint, STATES, type State, type View, type Why } from "./view.ts";
export { Viewer } from "./viewer.ts";
