import { type Draft, type Envelope } from "../protocol/envelope.ts";
/** A message that waits to be numbered, with its request id if it has one. */
export type Outgoing = Draft & {
    id?: number;
    seq?: number;
};
/** A message, and what has to go before it when it is sent again on a new link. */
export interface Parcel {
    message: Outgoing;
    proof?: Draft<"sync">;
}
/** What waits for the socket, by class, and the sequenced messages that the other end has not acknowledged yet. */
export declare class Outbox {
    #private;
    /** Whether at most half the send buffer is unacknowledged, as a repair has to leave it. */
    get roomy(): boolean;
    /** The highest sequence number that arrived. */
    get acknowledged(): number;
    /** Whether anything waits. */
    get pending(): boolean;
    /** Queues a message by its class. Throws too_large for one message, too_slow when the queue is full. */
    push(parcel: Parcel): void;
    /** Takes the next message: control, then what must arrive, then what may be late, then what may be lost. */
    pop(): Envelope | undefined;
    /**
     * Forgets what the other end has. That may be more than was written again since a resume: what an earlier socket
     * carried can have arrived. Throws sequence for an acknowledgement of something never sent.
     */
    acknowledge(seq: number): void;
    /** Writes everything after received again, on a new socket. */
    rewind(received: number): void;
    /** The sequenced messages that were never acknowledged, oldest first, without their numbers. */
    unacknowledged(): Parcel[];
}
