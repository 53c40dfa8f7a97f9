import type { Network } from "../protocol/network.ts";
import type { Path } from "../protocol/session.ts";
/**
 * Learns from what its browser gathers which network a viewer is in. A browser tells little, so much stays unknown: what
 * is told is certain.
 */
export declare class Scout {
    #private;
    /** changed is called with all that is known whenever that grows. */
    constructor(changed: (network: Network) => void);
    /** What is known; empty for nothing. */
    get network(): Network;
    /** Watches a peer connection's gathering, but for its candidates. */
    watch(peer: RTCPeerConnection): void;
    /** A server has not answered. */
    missed(): void;
    /** Gathering came to its end: whoever has not answered does not. */
    end(): void;
    /** Learns no more. */
    stop(): void;
    /** A browser gathers anew, with these servers. */
    begin(servers?: RTCIceServer[]): void;
    /** The network is another one: nothing is known of it. */
    moved(): void;
    /** Takes a candidate of the viewer's own. */
    found({ candidate: line, relayProtocol }: {
        candidate: string;
        relayProtocol?: string | null;
    }): void;
    /** Takes a path: a relay over TCP, though it can be had over UDP, tells that UDP did not get through. */
    path({ local, protocol }: Path): void;
}
