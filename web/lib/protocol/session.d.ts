import type { ICEServer } from "./handshake.ts";
import type { Reason } from "./reason.ts";
import type { Policy } from "./state.ts";
/** Something a viewer's token allows on its device. */
export type Right = "view" | "audio" | "talk" | "control";
/** What a viewer would like to receive or send. */
export interface Media {
    video: boolean;
    audio?: boolean;
    talk?: boolean;
}
/** A viewer's session description with its revision. */
export interface Offer {
    revision: number;
    sdp: string;
}
/** Asks for the session that the envelope names. */
export interface Open {
    device: string;
    /** The relay grant that the viewer gathered with; absent means none. */
    grant?: string;
    /** 32 hexadecimal digits of the viewer's choice that prove later that the session is its own. */
    owner: string;
    media: Media;
    offer?: Offer;
    trickle?: boolean;
}
/** Says that the session exists; it comes before anything else of its session. */
export interface Opened {
    policy: Policy;
    /** When the lease ends. RFC 3339. */
    expires: string;
    /** The grant and the servers of the viewer's next session. */
    next_grant?: string;
    ice_servers?: ICEServer[];
}
/** Asks a device to serve a viewer. */
export interface Invite {
    /** `same_network`: its link comes from the IPv4 address, or the IPv6 /64, that the device's comes from. */
    viewer: {
        name?: string;
        same_network?: boolean;
    };
    grants: Right[];
    ice_servers?: ICEServer[];
    grant?: string;
    policy: Policy;
    expires: string;
    media: Media;
    offer?: Offer;
    trickle: boolean;
}
/** Offer or answer as in RFC 3264, or restart: a device asks the viewer for an ICE restart. */
export type DescribeKind = "offer" | "answer" | "restart";
/** A session description, or a device's wish for a new offer. */
export interface Describe {
    revision: number;
    kind: DescribeKind;
    sdp?: string;
    /** How the device came by candidates of an answer; those that are left out are ordinary. */
    origins?: Origin[];
}
/** How a device came by one of its candidates. */
export interface Origin {
    /** The candidate's, as host:port. */
    address: string;
    means: string;
}
/** One ICE candidate (RFC 8838); an empty candidate ends them. */
export interface Candidate {
    revision: number;
    candidate: string;
    mid?: string;
    mline: number;
    ufrag?: string;
    /** As in an origin; absent for an ordinary candidate. */
    means?: string;
}
/** How a session's media goes. */
export type PathKind = "direct" | "relay";
/** Which candidate pair an end uses. */
export interface Path {
    kind: PathKind;
    /** What made the path: ice, predicted, mapped, ipv6, tcp or relay. */
    means: string;
    /** Candidate types (RFC 8445 section 4): host, srflx, prflx or relay. */
    local: string;
    remote: string;
    protocol: string;
    rtt_ms?: number;
    /** How long after the open this end had the pair, in milliseconds. */
    after_ms?: number;
    /** How many candidate pairs this end has tried. */
    pairs?: number;
}
/** Asks for a longer lease of the session that the envelope names. */
export interface Extend {
    token?: string;
}
/** Ends the session that the envelope names (close), or says that it has ended (closed). */
export interface Ending {
    reason: Reason;
}
/** Repairs the state of one session when its messages could not be replayed. */
export interface Sync {
    revision: number;
    description?: Describe;
    candidates?: Candidate[];
    path?: Path;
    ice_connected?: boolean;
    owner?: string;
    /** Marks a sync that answers another and must not be answered. */
    answer?: boolean;
    last?: boolean;
}
/** Says yes to a request; an error with re says no. */
export interface Reply {
    /** Answers extend. RFC 3339. */
    expires?: string;
}
