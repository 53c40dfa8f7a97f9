import type { Candidate, Describe, Sync } from "../protocol/session.ts";
import type { PathPolicy } from "../protocol/state.ts";
import { Origins } from "./origins.ts";
/** Where a negotiation's own descriptions and candidates go. */
export interface Outlet {
    /** A candidate of this end, also one that is not signaled. */
    gathered(candidate: RTCIceCandidate): void;
    describe(description: Describe): void;
    candidate(candidate: Candidate): void;
}
/**
 * Offers, answers and candidates of one peer connection. Only the viewer offers; every offer has a revision, an answer
 * bears that of its offer, and whatever belongs to another revision is dropped.
 */
export declare class Negotiation {
    #private;
    /** How the device came by its candidates. */
    readonly origins: Origins;
    /** The types of the device's candidates, of the newest answer and after it. */
    readonly remoteTypes: Set<string>;
    /** Begins with the first offer at once: it needs no servers, only time. */
    constructor(peer: RTCPeerConnection, out: Outlet);
    /** The revision of the newest offer. */
    get revision(): number;
    /** Whether the newest offer was answered. */
    get answered(): boolean;
    /** Signals and uses from now on only what a policy permits; what is in use already takes a restart. */
    permit(path: PathPolicy): void;
    /** The first offer, to be sent with open. */
    first(): Promise<{
        revision: number;
        sdp: string;
    }>;
    /** Starts gathering for the first offer; call it when open is on its way. */
    begin(): Promise<void>;
    /** Offers again with new ICE credentials (RFC 8445 section 2.4): the next revision. */
    restart(): Promise<void>;
    /** How many milliseconds the first answer to an offer took that comes now; undefined for any other. */
    took(revision: number): number | undefined;
    /** Takes an answer. One of another revision, or a second one, is dropped. */
    answer({ revision, sdp, origins }: Describe): Promise<void>;
    /** Takes a candidate of the other end, before or after its description. One that is known already is dropped. */
    candidate(candidate: Candidate): void;
    /** This end's side of a sync. */
    state(): Pick<Sync, "revision" | "description" | "candidates">;
}
