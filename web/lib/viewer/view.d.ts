import type { Code } from "../protocol/error.ts";
import type { Door, Fallback } from "../protocol/fallback.ts";
import type { Reason } from "../protocol/reason.ts";
import type { PathKind } from "../protocol/session.ts";
import type { PathDetails } from "../session/paths.ts";
import type { Quality } from "../session/quality.ts";
import type { CameraView } from "./controls.ts";
/** Every state that a person can see. */
export declare const STATES: readonly ["idle", "connecting", "live", "waiting", "closed"];
/**
 * What a person sees: nothing asked for yet, on the way, moving pictures, waiting for something that will be tried again
 * without them, or over.
 */
export type State = (typeof STATES)[number];
/** What a viewer knows by itself, beside end reasons and error codes. */
export declare const HINTS: readonly ["link_lost", "stalled", "unsupported"];
/** The hub cannot be reached; the camera sends no picture; the browser has no WebRTC. */
export type Hint = (typeof HINTS)[number];
/** Why the state is what it is. */
export type Why = Reason | Code | Hint;
/** Everything a viewer shows, at one moment. */
export interface View extends CameraView {
    readonly state: State;
    readonly reason: Why | undefined;
    readonly path: PathKind | undefined;
    /** What made the path, when, and why it is a relay's. */
    readonly pathDetails: PathDetails | undefined;
    /** Whether it is over because the session was on the relay for as long as it may. */
    readonly relayTime: boolean;
    readonly stats: Quality | undefined;
    /** By which door the link is up; undefined while it is not. */
    readonly transport: Door | undefined;
    /** Why that is not the WebSocket. */
    readonly fallback: Fallback | undefined;
    /** Why the camera is not on a WebSocket; undefined when it is, or away. */
    readonly deviceFallback: Fallback | undefined;
    /** What people call the camera, if the hub knows. */
    readonly name: string | undefined;
    /** When the camera was last online, if it is not and the hub told. */
    readonly lastSeen: Date | undefined;
    /** The address of a still picture to show until there is a live one. */
    readonly poster: string | undefined;
}
/** What the state follows from. */
export interface Facts {
    started: boolean;
    /** Why it is over for good. */
    final: Why | undefined;
    /** Why the last session ended or was refused, until the next one is opened. */
    trouble: Why | undefined;
    linkDown: boolean;
    /** Whether frames are being decoded, and whether they ever were in this session. */
    flowing: boolean;
    shown: boolean;
}
/** The state and its reason. A picture that flows is live, whatever else is wrong. */
export declare function stateOf(facts: Facts): {
    state: State;
    reason: Why | undefined;
};
