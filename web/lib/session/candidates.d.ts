import type { PathPolicy } from "../protocol/state.ts";
/** One candidate, as its line tells it (RFC 8839 section 5.1). */
export interface CandidateLine {
    foundation: string;
    component: number;
    /** udp or tcp. */
    protocol: string;
    /** An IP address, or a name under .local that stands for one. */
    address: string;
    port: number;
    /** host, srflx, prflx or relay. */
    type: string;
    /** The base of a candidate that is seen from outside (RFC 8445 section 4); 0 where the browser hides it. */
    basePort: number;
}
/** Reads a candidate line, with or without `a=`; undefined for what is none, such as the sign that there are no more. */
export declare function readCandidate(line: string): CandidateLine | undefined;
/** host:port as Go's netip.AddrPort writes it, so with IPv6 in brackets. */
export declare function placeOf(address: string, port: number): string;
/** Whether a candidate may be signaled and used under a policy. The empty one, which ends them, always may. */
export declare function permitted(line: string, path: PathPolicy): boolean;
/** A description without the candidates that a policy forbids. */
export declare function withPermitted(sdp: string, path: PathPolicy): string;
