import { classOf, type Envelope } from "../protocol/envelope.ts";
import { ProtocolError } from "../protocol/error.ts";

/** What this end has of the other: which sequenced messages it saw, took over and still owes an acknowledgement for. */
export class Inbox {
  #seen = 0;
  #took = 0;
  #owed = 0;
  #since = 0;

  /** The highest sequence number taken over. */
  get took(): number {
    return this.#took;
  }

  /** How many messages were taken over and not acknowledged, and since when (milliseconds). */
  get owed(): { count: number; since: number } {
    return { count: this.#owed, since: this.#since };
  }

  /** Whether the message must be handled; a repeated one must not. Throws sequence when one is missing. */
  check(message: Envelope): boolean {
    const sequenced = classOf(message) === "sequenced";
    const seq = message.seq ?? 0;
    if (!sequenced && seq === 0) return true;
    if (!sequenced) throw new ProtocolError("sequence", `a ${message.type} carries no sequence number`);
    return this.count(seq);
  }

  /** Counts one sequence number: true for the next one, false for one that was there before. */
  count(seq: number): boolean {
    if (seq === 0) throw new ProtocolError("sequence", "a sequence number is missing");
    if (seq <= this.#seen) return false;
    if (seq > this.#seen + 1) throw new ProtocolError("sequence", `message ${seq} came after ${this.#seen}`);
    this.#seen = seq;
    return true;
  }

  /** Notes that everything up to seq was taken over. */
  take(seq: number, now: number): void {
    if (seq <= this.#took || seq > this.#seen) return;
    if (this.#owed === 0) this.#since = now;
    this.#owed += seq - this.#took;
    this.#took = seq;
  }

  /** Notes that the acknowledgement is on its way. */
  settle(): void {
    this.#owed = 0;
  }
}
