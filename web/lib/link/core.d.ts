import type { Draft, Envelope } from "../protocol/envelope.ts";
import { type Outgoing, type Parcel } from "./outbox.ts";
/**
 * The logic of one end of a link without its I/O, as in the Go package link, with which it shares its test traces:
 * what is numbered, kept, replaced or dropped, and when a ping, an acknowledgement or the end of patience is due.
 *
 * Whoever owns a socket writes what next returns, hands what it reads to receive and took, and calls tick at due.
 * All times are milliseconds of one clock.
 */
export declare class Core {
    #private;
    constructor(now: number);
    /** Starts anew, as after resumed:false. Returns what the other end never acknowledged, oldest first, unnumbered. */
    reset(now: number): Parcel[];
    /** Goes on with a new socket, as after resumed:true. Throws sequence when received is not within what was kept. */
    attach(received: number, now: number): void;
    /**
     * Queues a message; proof is given back with it by reset. Throws too_large for it alone; too_slow when the link is
     * lost and cannot be resumed.
     */
    send(message: Outgoing, proof?: Draft<"sync">): void;
    /** The next message to write, with the acknowledgement it carries. */
    next(now: number): Envelope | undefined;
    /** Whether next has something to return. */
    get pending(): boolean;
    /** Whether a repair may send more: at most half the send buffer is unacknowledged. */
    get roomy(): boolean;
    /**
     * Takes in a message's acknowledgement and answers a ping. Returns whether the caller must handle the message, and
     * then say so with took. Throws sequence when a message is missing or one never sent was acknowledged.
     */
    receive(message: Envelope, now: number): boolean;
    /** Counts a message of a type that this program does not know, so that the sequence has no hole. */
    receiveUnknown(seq: number, ack: number, now: number): boolean;
    /** Says that everything up to seq is in the caller's state. 0 is ignored. */
    took(seq: number, now: number): void;
    /** The highest sequence number that the other end has said to have. It never falls. */
    get acknowledged(): number;
    /** Counts what both ends exchanged without a message, as a poll and its response, as a sign of life both ways. */
    alive(now: number): void;
    /** Queues an acknowledgement unless something else waits that carries it. */
    affirm(): void;
    /** The highest sequence number taken over, for a hello that resumes. */
    get received(): number;
    /** Changes the ping interval, for both directions. */
    setPing(interval: number): void;
    /**
     * Asks for a sign of life now, whatever was heard before: a link that gives none within three seconds is dead. One
     * probe is under way at a time.
     */
    probe(now: number): void;
    /** Whether a probe waits for its sign of life. */
    get probing(): boolean;
    /** When tick has to be called next. */
    get due(): number;
    /** Queues the ping or acknowledgement that is due. Throws timeout when the other end was silent for too long. */
    tick(now: number): void;
}
