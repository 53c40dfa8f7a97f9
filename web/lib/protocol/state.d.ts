import type { Fallback } from "./fallback.ts";
import type { ICEServer } from "./handshake.ts";
import type { Reason } from "./reason.ts";
/** Follows every welcome: the sessions that this link has and the devices it may see. */
export interface Snapshot {
    sessions: SessionInfo[];
    presence: Presence[];
}
/** One session as the hub knows it. */
export interface SessionInfo {
    session: string;
    state: "opening" | "answered" | "ended";
    reason?: Reason;
}
/** What presence says of a device; suspect is a device that has just lost its link. */
export type Status = "online" | "suspect" | "offline";
/** Whether a device can be reached. */
export interface Presence {
    device: string;
    /** What people call the device. */
    name?: string;
    status: Status;
    generation: number;
    /** When the device got this status; absent means never. RFC 3339. */
    since?: string;
    /** What carries the device's link while it is online: a door, or one that a newer hub added. */
    transport?: string;
    /** Why the device is not on a WebSocket. */
    fallback?: Fallback;
}
/** Which paths a session may take. */
export type PathPolicy = "direct_only" | "prefer_direct" | "relay_only";
/** How a session may go and until when. */
export interface Policy {
    path: PathPolicy;
    /** How long the viewer tries without a relay first; 0 means that it gathers relays at once. */
    relay_delay_ms: number;
    /** The path is direct_only because the project's relay budget is used up. */
    quota?: boolean;
    max_kbps?: number;
    max_relay_s?: number;
    /** The best rendition may go over a relay. */
    relay_hd?: boolean;
    /** RFC 3339. */
    expires: string;
}
/** Fresh relay credentials before the old ones expire: for a session, or for the link. */
export interface ICEServers {
    ice_servers: ICEServer[];
    grant?: string;
}
/** Quality figures; with media they are the sign that media flows. */
export interface Stats {
    media?: boolean;
    bytes?: number;
    packets?: number;
    lost?: number;
    frames?: number;
    fps?: number;
    bitrate_kbps?: number;
    rtt_ms?: number;
    jitter_ms?: number;
    retransmitted?: number;
    keyframe_requests?: number;
    /** Pictures that were left out because the viewer was too slow. */
    dropped?: number;
    estimate_kbps?: number;
    rendition?: string;
    direct_s?: number;
    relay_s?: number;
    milestones?: Milestones;
    /** The session is over and nothing follows. */
    last?: boolean;
}
/** When a session got that far, in milliseconds from the device's invite. */
export interface Milestones {
    offer_ms?: number;
    answer_ms?: number;
    ice_ms?: number;
    dtls_ms?: number;
    keyframe_ms?: number;
}
/** Asks a device for a still picture. */
export interface Capture {
    request: string;
}
/** Something that happened; event numbers grow by one. */
export interface EventBody {
    event: number;
    kind: string;
    at: string;
    device?: string;
    session?: string;
}
/** The events from..to, both included, were dropped and must be pulled. */
export interface Gap {
    from: number;
    to: number;
}
