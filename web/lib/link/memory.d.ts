import { type Fallback } from "../protocol/fallback.ts";
/** Remembers on which networks no WebSocket gets to a hub, for a while. */
export declare class Memory {
    #private;
    /** term is for how many milliseconds a network is remembered. */
    constructor(hub: URL, term?: number);
    /** Why there was no WebSocket on this network. */
    recall(): Fallback | undefined;
    /** Notes that there is no WebSocket on this network. */
    remember(fallback: Fallback): void;
    /** Notes that there is one. */
    forget(): void;
}
