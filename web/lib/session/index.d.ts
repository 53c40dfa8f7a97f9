/** One viewer looking at one device, over a link. */
export { ControlChannel, type Request } from "./control.ts";
export type { SessionEnd, SessionEvents, SessionOptions } from "./options.ts";
export type { PathDetails } from "./paths.ts";
export type { Quality } from "./quality.ts";
export { RELAY_REASONS, type RelayReason } from "./reason.ts";
export { rightsOf } from "./rights.ts";
export { Session } from "./session.ts";
export { Speech } from "./speech.ts";
