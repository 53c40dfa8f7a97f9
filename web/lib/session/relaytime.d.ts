import type { PathKind } from "../protocol/session.ts";
/** Counts a session's time on the relay path against what its policy allows. */
export declare class RelayTime {
    #private;
    /** over is called once the time is used up. */
    constructor(over: () => void);
    /** Whether the time is used up, or so nearly that the hub may have said so first. */
    get up(): boolean;
    /** Follows a policy: so many seconds, 0 or nothing for any time. */
    allow(seconds?: number): void;
    /** Notes which path the media takes from now on. */
    path(kind: PathKind): void;
    /** Counts no more. */
    stop(): void;
}
