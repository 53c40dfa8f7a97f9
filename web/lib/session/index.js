/** One viewer looking at one device, over a link. */
export { ControlChannel } from "./control.js";
export { RELAY_REASONS } from "./reason.js";
export { rightsOf } from "./rights.js";
export { Session } from "./session.js";
export { Speech } from "./speech.js";
//# sourceMappingURL=index.js.map