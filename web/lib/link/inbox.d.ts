import { type Envelope } from "../protocol/envelope.ts";
/** What this end has of the other: which sequenced messages it saw, took over and still owes an acknowledgement for. */
export declare class Inbox {
    #private;
    /** The highest sequence number taken over. */
    get took(): number;
    /** How many messages were taken over and not acknowledged, and since when (milliseconds). */
    get owed(): {
        count: number;
        since: number;
    };
    /** Whether the message must be handled; a repeated one must not. Throws sequence when one is missing. */
    check(message: Envelope): boolean;
    /** Counts one sequence number: true for the next one, false for one that was there before. */
    count(seq: number): boolean;
    /** Notes that everything up to seq was taken over. */
    take(seq: number, now: number): void;
    /** Notes that the acknowledgement is on its way. */
    settle(): void;
}
