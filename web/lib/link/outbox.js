import { bytesOf } from "../protocol/codec.js";
import { classOf, stateKey } from "../protocol/envelope.js";
import { ProtocolError } from "../protocol/error.js";
import { LIMITS } from "../protocol/limits.js";
/** More than the JSON of all envelope fields but data can take; the same number as in Go. */
const envelopeOverhead = 256;
/** Bounds queued control messages: a peer that pings without reading is as slow as any other. */
const maxControl = 32;
/** Bounds queued volatile messages; the oldest goes first. */
const maxVolatile = 16;
/** What waits for the socket, by class, and the sequenced messages that the other end has not acknowledged yet. */
export class Outbox {
    #control = [];
    /** Oldest first; the first has number acked + 1. */
    #unacked = [];
    #bytes = 0;
    /** How many of the unacknowledged are on the socket already. */
    #written = 0;
    #last = 0;
    /** The highest that was ever on a socket. */
    #sent = 0;
    #acked = 0;
    /** The newest of each key; a Map keeps the order of first queueing. */
    #state = new Map();
    #volatile = [];
    /** Whether at most half the send buffer is unacknowledged, as a repair has to leave it. */
    get roomy() {
        return this.#unacked.length < LIMITS.unacked / 2 && this.#bytes < LIMITS.unackedBytes / 2;
    }
    /** The highest sequence number that arrived. */
    get acknowledged() {
        return this.#acked;
    }
    /** Whether anything waits. */
    get pending() {
        return (this.#control.length > 0 ||
            this.#written < this.#unacked.length ||
            this.#state.size > 0 ||
            this.#volatile.length > 0);
    }
    /** Queues a message by its class. Throws too_large for one message, too_slow when the queue is full. */
    push(parcel) {
        const { message } = parcel;
        const size = (message.data === undefined ? 0 : bytesOf(JSON.stringify(message.data))) + envelopeOverhead;
        if (size > LIMITS.messageBytes) {
            throw new ProtocolError("too_large", `a ${message.type} of ${size} bytes is over the limit`);
        }
        switch (classOf(message)) {
            case "sequenced":
                if (this.#unacked.length >= LIMITS.unacked || this.#bytes + size > LIMITS.unackedBytes) {
                    throw new ProtocolError("too_slow", `${this.#unacked.length} messages are unacknowledged`);
                }
                this.#last++;
                this.#unacked.push({ parcel: { ...parcel, message: { ...message, seq: this.#last } }, size });
                this.#bytes += size;
                break;
            case "state":
                this.#state.set(stateKey(message), message);
                break;
            case "control":
                if (this.#control.length >= maxControl) {
                    throw new ProtocolError("too_slow", `${maxControl} control messages are waiting`);
                }
                this.#control.push(message);
                break;
            default:
                this.#volatile.push(message);
                if (this.#volatile.length > maxVolatile)
                    this.#volatile.shift();
        }
    }
    /** Takes the next message: control, then what must arrive, then what may be late, then what may be lost. */
    pop() {
        const control = this.#control.shift();
        if (control)
            return control;
        const sequenced = this.#unacked[this.#written];
        if (sequenced) {
            this.#written++;
            this.#sent = Math.max(this.#sent, this.#acked + this.#written);
            return sequenced.parcel.message;
        }
        for (const [key, state] of this.#state) {
            this.#state.delete(key);
            return state;
        }
        return this.#volatile.shift();
    }
    /**
     * Forgets what the other end has. That may be more than was written again since a resume: what an earlier socket
     * carried can have arrived. Throws sequence for an acknowledgement of something never sent.
     */
    acknowledge(seq) {
        if (seq <= this.#acked)
            return;
        const n = seq - this.#acked;
        if (seq > this.#sent) {
            throw new ProtocolError("sequence", `message ${seq} was acknowledged and never sent`);
        }
        for (const kept of this.#unacked.splice(0, n))
            this.#bytes -= kept.size;
        this.#written = Math.max(this.#written - n, 0);
        this.#acked = seq;
    }
    /** Writes everything after received again, on a new socket. */
    rewind(received) {
        if (received < this.#acked || received > this.#sent) {
            throw new ProtocolError("sequence", `the other end has ${received}, this end kept ${this.#acked + 1} and on`);
        }
        this.acknowledge(received);
        this.#written = 0;
        this.#control = [];
    }
    /** The sequenced messages that were never acknowledged, oldest first, without their numbers. */
    unacknowledged() {
        return this.#unacked.map(({ parcel }) => {
            const { seq: _, ...message } = parcel.message;
            return { ...parcel, message: message };
        });
    }
}
//# sourceMappingURL=outbox.js.map