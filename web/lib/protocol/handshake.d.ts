import type { Fallback } from "./fallback.ts";
import type { PathPolicy } from "./state.ts";
/** Which kind of client a link belongs to. */
export type Role = "device" | "viewer";
/** The first message of a client on a new socket. */
export interface Hello {
    version: number;
    role: Role;
    token: string;
    client: Client;
    /** How many viewers a device serves at once; absent means the hub's default. */
    max_sessions?: number;
    /** Asks for a link to go on that lost its socket. */
    resume?: Resume;
    /** Why this link is not on a WebSocket; absent when it is. */
    fallback?: Fallback;
}
/** What program is at the other end, for people who look for a fault. */
export interface Client {
    name: string;
    version?: string;
    model?: string;
}
/** Names a link and proves that it is the caller's. */
export interface Resume {
    link: string;
    key: string;
    /** The highest sequence number that came from the hub. */
    received: number;
}
/** Always the hub's first message on a new socket that it accepts. */
export interface Welcome {
    link: string;
    key: string;
    node: string;
    /** Whether the link went on; if not, reason says why and both sequences start anew. */
    resumed: boolean;
    reason?: string;
    /** The highest sequence number that the hub had from the client, when resumed. */
    received: number;
    ping_s: number;
    /** How many seconds the link lives without a socket; 0 means that it cannot be resumed. */
    resume_s: number;
    limits: Limits;
    /** The hub's clock. RFC 3339. */
    now: string;
    /** What a viewer may gather candidates with before it opens a session, and the grant that names it. */
    ice_servers?: ICEServer[];
    grant?: string;
    /** Those of the policy that the viewer's session will have. */
    path?: PathPolicy;
    relay_delay_ms?: number;
}
/** The limits that a client must keep. */
export interface Limits {
    message_bytes: number;
    unacked: number;
    unacked_bytes: number;
    candidates_per_s: number;
    descriptions_per_s: number;
}
/** One entry of an RTCPeerConnection's iceServers. */
export interface ICEServer {
    urls: string[];
    username?: string;
    credential?: string;
}
/** Asks a client to come back: not before after_ms, and before deadline_ms, when the socket is closed. */
export interface Goaway {
    after_ms: number;
    deadline_ms: number;
    hosts?: string[];
}
