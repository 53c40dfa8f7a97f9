import type { Holder } from "./options.ts";
import type { Parcel } from "./outbox.ts";
/**
 * What a link that started anew still has to tell, in its order. The hub knows a session on a new link only after its
 * open or its sync, so a sync goes before whatever else is sent again of a session; the last sync says that it is.
 */
export declare class Repairs {
    #private;
    /** Whether there is something to tell. */
    get waiting(): boolean;
    /** Begins with what is sent again. Nothing is told before plan says of which sessions. */
    begin(again: Parcel[]): void;
    /** Adds the state of every session held; isHeld says at a sync's turn whether its session still is. */
    plan(held: Holder[], isHeld: (holder: Holder) => boolean): void;
    /** Puts what must arrive behind the rest. Throws too_slow when too much waits. */
    add(parcel: Parcel): void;
    /** What to send next. */
    next(): Parcel | undefined;
    /** Forgets it all, and returns the messages that were not sent. */
    clear(): Parcel[];
}
