/** Link, session, token and presence as one state for people. */
export { AFTERWARDS, type Afterwards } from "./afterwards.ts";
export type { TokenProvider, ViewerEvents, ViewerOptions } from "./options.ts";
export { HINTS, type Hint, STATES, type State, type View, type Why } from "./view.ts";
export { Viewer } from "./viewer.ts";
