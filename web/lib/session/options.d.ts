import type { Camera } from "../protocol/control.ts";
import type { Code, ProtocolError } from "../protocol/error.ts";
import type { Reason } from "../protocol/reason.ts";
import type { Opened, Path } from "../protocol/session.ts";
import type { Quality } from "./quality.ts";
/** What a session is made with. */
export interface SessionOptions {
    device: string;
    /** Whether to ask for sound; the token must grant it. */
    audio?: boolean;
    /** Whether the viewer may be heard at the camera; the token must grant it. */
    talk?: boolean;
    /** Whether to use relays only. */
    relayOnly?: boolean;
    /** Brings a fresh token when the lease has to be extended; undefined extends with the link's own. */
    freshToken?: () => Promise<string | undefined>;
}
/** How a session ended. */
export interface SessionEnd {
    /** An end reason, or the code of the error that refused it. */
    reason: Reason | Code;
    /** The refusal, when it was one. */
    error?: ProtocolError;
    /** Whether the quota is that of the session's time on the relay path. */
    relayTime?: boolean;
}
/** What a session tells. */
export interface SessionEvents {
    /** The hub has made the session. */
    opened: Opened;
    /** The first track is here. */
    stream: MediaStream;
    path: Path;
    quality: Quality;
    /** How the camera is, and what it can do; undefined when nobody tells any more. A device without a control channel never does. */
    camera: Camera | undefined;
    /** The device listens on the control channel. */
    listening: true;
    /** Frames began to be decoded, or stopped. */
    flowing: boolean;
    /** It is over; nothing follows. */
    ended: SessionEnd;
}
