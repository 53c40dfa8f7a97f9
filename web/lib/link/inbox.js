import { classOf } from "../protocol/envelope.js";
import { ProtocolError } from "../protocol/error.js";
/** What this end has of the other: which sequenced messages it saw, took over and still owes an acknowledgement for. */
export class Inbox {
    #seen = 0;
    #took = 0;
    #owed = 0;
    #since = 0;
    /** The highest sequence number taken over. */
    get took() {
        return this.#took;
    }
    /** How many messages were taken over and not acknowledged, and since when (milliseconds). */
    get owed() {
        return { count: this.#owed, since: this.#since };
    }
    /** Whether the message must be handled; a repeated one must not. Throws sequence when one is missing. */
    check(message) {
        const sequenced = classOf(message) === "sequenced";
        const seq = message.seq ?? 0;
        if (!sequenced && seq === 0)
            return true;
        if (!sequenced)
            throw new ProtocolError("sequence", `a ${message.type} carries no sequence number`);
        return this.count(seq);
    }
    /** Counts one sequence number: true for the next one, false for one that was there before. */
    count(seq) {
        if (seq === 0)
            throw new ProtocolError("sequence", "a sequence number is missing");
        if (seq <= this.#seen)
            return false;
        if (seq > this.#seen + 1)
            throw new ProtocolError("sequence", `message ${seq} came after ${this.#seen}`);
        this.#seen = seq;
        return true;
    }
    /** Notes that everything up to seq was taken over. */
    take(seq, now) {
        if (seq <= this.#took || seq > this.#seen)
            return;
        if (this.#owed === 0)
            this.#since = now;
        this.#owed += seq - this.#took;
        this.#took = seq;
    }
    /** Notes that the acknowledgement is on its way. */
    settle() {
        this.#owed = 0;
    }
}
//# sourceMappingURL=inbox.js.map