/** What a recovery asks for. */
export interface RecoveryEvents {
    /** Restarts ICE; false when that has to wait for the link, after which resume is called. */
    restart(): boolean;
    /** ICE stays failed: the session is over. */
    failed(): void;
}
/** Decides when to restart ICE, and when to stop trying. */
export declare class Recovery {
    #private;
    constructor(events: RecoveryEvents);
    /** Takes in what the peer connection says of its ICE. */
    state(state: RTCIceConnectionState): void;
    /**
     * Notes how long an answer took, also one that came too late to be used. The time for a restart counts from its answer,
     * after which candidates may still be as long on their way.
     */
    answered(took: number): void;
    /** The other end asks for a restart. It did so before it could know of a connection that is younger than the way here. */
    asked(): void;
    /** Restarts at once, because the other end asked for it, the policy forbids the way, or the link is back. */
    now(): void;
    /** The viewer is on another network: its addresses are gone, and earlier failures say nothing. */
    moved(): void;
    /** Forgets what was planned. */
    stop(): void;
}
