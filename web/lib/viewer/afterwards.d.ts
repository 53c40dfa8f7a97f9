import type { Code } from "../protocol/error.ts";
import type { Reason } from "../protocol/reason.ts";
/**
 * What a viewer does when a session has ended or was refused: try again after a while, wait until the camera is back,
 * ask for a new token, or stop.
 */
export type Afterwards = "retry" | "online" | "token" | "stop";
/** What to do after each end reason and each error code. */
export declare const AFTERWARDS: Readonly<Record<Reason | Code, Afterwards>>;
