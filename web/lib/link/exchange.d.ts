import type { UnknownType } from "../protocol/codec.ts";
import type { Draft, Envelope } from "../protocol/envelope.ts";
import { ProtocolError } from "../protocol/error.ts";
import { Core } from "./core.ts";
import type { Holder } from "./options.ts";
import type { Parcel } from "./outbox.ts";
import { type Answer } from "./requests.ts";
/** Where a link stands when it says hello: what the hub has acknowledged, and the opens so far. */
export interface Mark {
    acknowledged: number;
    count: number;
    waiting: boolean;
}
/**
 * What a link says and hears, whatever carries it: messages in their order, requests with their answers, and the
 * sessions that take their messages and repair their state.
 */
export declare class Exchange {
    #private;
    /** The logic of the numbers and of the signs of life. */
    get core(): Pick<Core, "received" | "alive" | "due" | "tick" | "probe" | "probing">;
    /** The sessions that hold the link. */
    get held(): Holder[];
    /** Hands a session its messages until the returned function is called. */
    hold(holder: Holder): () => void;
    /** Sets the ping interval in milliseconds, without a session and with one. */
    setPing(idle: number, busy: number): void;
    /**
     * Queues a message. Returns what was wrong when the queue was full: then the link can only start anew, with its
     * requests and closes; the rest is repaired by sync.
     */
    queue(parcel: Parcel): ProtocolError | undefined;
    /** Queues a request, as queue does; its answer comes once. */
    request(draft: Draft, answer: Answer): ProtocolError | undefined;
    /** How far the link is, to be compared with what a welcome says. */
    mark(): Mark;
    /**
     * Goes on with what the hub lacks; mark is of the hello. The hub may have said since then to have more, on the carrier
     * that went on meanwhile. Throws sequence when received is not within what was kept.
     */
    resume(received: number, mark: Mark | undefined, now: number): void;
    /** Whether the grant of a welcome may have been used since the hello of this mark. */
    usedGrant(mark: Mark | undefined): boolean;
    /** Makes sure that a carrier's first message follows: with it the hub leaves the last one, and knows where to go on. */
    affirm(): void;
    /** Starts anew, with the grant of the new link; nothing goes out before repair. */
    restart(now: number, grant: string | undefined): void;
    /** Tells the hub the state of these sessions, as far as they still hold the link at their turn. */
    repair(held: Holder[]): void;
    /**
     * Takes a message in: an answer goes to who asked, a session's message to the session, all else to others. Throws a
     * ProtocolError when the sequence is broken.
     */
    receive(message: Envelope, now: number, others: (message: Envelope) => void): void;
    /** Takes in a message of a type that this program does not know, and queues the answer that says so, as queue does. */
    refuse(unknown: UnknownType, now: number): ProtocolError | undefined;
    /** The next message to write. */
    next(now: number): Envelope | undefined;
}
