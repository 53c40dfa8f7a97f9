import type { Door, Fallback } from "../protocol/fallback.ts";
/** When a link leaves the WebSocket for the long poll and when it looks for the WebSocket again. Milliseconds. */
export interface FallbackTimes {
    /** What brings no welcome for so long has failed. */
    hello: number;
    /** So many WebSockets in a row that brought no welcome are enough. */
    failures: number;
    /** So many in a row that were lost sooner than this after their welcome are enough too. */
    cuts: number;
    cutWithin: number;
    /** How long to wait for each next try of a WebSocket beside the long poll; the last of them repeats. */
    probes: readonly number[];
    /** How long a network without WebSockets is remembered; 0 is never. */
    remember: number;
}
/** What a link does unless told otherwise. */
export declare const FALLBACK_TIMES: FallbackTimes;
/** Decides by which door a link comes, from what became of its carriers. */
export declare class FallbackPolicy {
    #private;
    constructor(hub: URL, doors: readonly Door[], times: FallbackTimes);
    /** The door to come by next. */
    get door(): Door;
    /** Why that is not the WebSocket. */
    get fallback(): Fallback | undefined;
    /** How many milliseconds after a welcome by the long poll the WebSocket is tried beside it; undefined is never. */
    get probeAfter(): number | undefined;
    /**
     * A carrier brought no welcome; opened is whether it came as far as to say hello. Returns whether to come by another
     * door at once.
     */
    failed(door: Door, opened: boolean): boolean;
    /** The hub itself refused a carrier for now: it may have refused the WebSockets before it for the same reason. */
    refused(door: Door): void;
    /** The hub said welcome to a link's carrier. */
    welcome(door: Door): void;
    /**
     * A carrier was lost so long after its welcome; byHub is whether the hub itself closed it. Returns whether to come by
     * another door at once.
     */
    lost(door: Door, lived: number, byHub: boolean): boolean;
    /** A WebSocket beside the long poll brought no welcome, so it is blocked for certain. */
    probeFailed(): void;
    /** A WebSocket beside the long poll was welcome; should it be cut again, the next one waits longer. */
    probeWelcome(): void;
    /** Another network: what was seen on the last one says nothing of it. */
    moved(live: boolean): void;
}
