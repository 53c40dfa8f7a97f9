import { ProtocolError } from "../protocol/error.js";
import { ACK_EVERY, TIMES } from "../protocol/limits.js";
import { Inbox } from "./inbox.js";
import { Outbox } from "./outbox.js";
/** The ping interval until welcome says another, in milliseconds. */
const defaultPing = 20_000;
/** How long a probe waits, in milliseconds: a phone's radio wakes in one second, and one packet may be lost. */
const patience = 3000;
/**
 * The logic of one end of a link without its I/O, as in the Go package link, with which it shares its test traces:
 * what is numbered, kept, replaced or dropped, and when a ping, an acknowledgement or the end of patience is due.
 *
 * Whoever owns a socket writes what next returns, hands what it reads to receive and took, and calls tick at due.
 * All times are milliseconds of one clock.
 */
export class Core {
    #out = new Outbox();
    #in = new Inbox();
    #ping = defaultPing;
    #lastSent;
    #lastHeard;
    /** When the patience of a probe ends; undefined when none is under way. */
    #probeEnds;
    constructor(now) {
        this.#lastSent = now;
        this.#lastHeard = now;
    }
    /** Starts anew, as after resumed:false. Returns what the other end never acknowledged, oldest first, unnumbered. */
    reset(now) {
        const lost = this.#out.unacknowledged();
        this.#out = new Outbox();
        this.#in = new Inbox();
        this.#begin(now);
        return lost;
    }
    /** Goes on with a new socket, as after resumed:true. Throws sequence when received is not within what was kept. */
    attach(received, now) {
        this.#out.rewind(received);
        this.#in.settle();
        this.#begin(now);
    }
    /**
     * Queues a message; proof is given back with it by reset. Throws too_large for it alone; too_slow when the link is
     * lost and cannot be resumed.
     */
    send(message, proof) {
        this.#out.push(proof ? { message, proof } : { message });
    }
    /** The next message to write, with the acknowledgement it carries. */
    next(now) {
        const message = this.#out.pop();
        if (!message)
            return undefined;
        this.#in.settle();
        this.#lastSent = now;
        return this.#in.took > 0 ? { ...message, ack: this.#in.took } : message;
    }
    /** Whether next has something to return. */
    get pending() {
        return this.#out.pending;
    }
    /** Whether a repair may send more: at most half the send buffer is unacknowledged. */
    get roomy() {
        return this.#out.roomy;
    }
    /**
     * Takes in a message's acknowledgement and answers a ping. Returns whether the caller must handle the message, and
     * then say so with took. Throws sequence when a message is missing or one never sent was acknowledged.
     */
    receive(message, now) {
        this.#heard(now);
        this.#out.acknowledge(message.ack ?? 0);
        switch (message.type) {
            case "ping":
                this.#control("pong");
                return false;
            case "pong":
            case "ack":
                return false;
            default:
                return this.#in.check(message);
        }
    }
    /** Counts a message of a type that this program does not know, so that the sequence has no hole. */
    receiveUnknown(seq, ack, now) {
        this.#heard(now);
        this.#out.acknowledge(ack);
        return seq === 0 || this.#in.count(seq);
    }
    /** Says that everything up to seq is in the caller's state. 0 is ignored. */
    took(seq, now) {
        this.#in.take(seq, now);
        if (this.#in.owed.count >= ACK_EVERY)
            this.#acknowledge();
    }
    /** The highest sequence number that the other end has said to have. It never falls. */
    get acknowledged() {
        return this.#out.acknowledged;
    }
    /** Counts what both ends exchanged without a message, as a poll and its response, as a sign of life both ways. */
    alive(now) {
        this.#begin(now);
    }
    /** Queues an acknowledgement unless something else waits that carries it. */
    affirm() {
        if (!this.pending)
            this.#acknowledge();
    }
    /** The highest sequence number taken over, for a hello that resumes. */
    get received() {
        return this.#in.took;
    }
    /** Changes the ping interval, for both directions. */
    setPing(interval) {
        this.#ping = interval;
    }
    /**
     * Asks for a sign of life now, whatever was heard before: a link that gives none within three seconds is dead. One
     * probe is under way at a time.
     */
    probe(now) {
        if (this.probing)
            return;
        this.#probeEnds = now + patience;
        this.#lastSent = Math.min(this.#lastSent, now - this.#ping);
    }
    /** Whether a probe waits for its sign of life. */
    get probing() {
        return this.#probeEnds !== undefined;
    }
    /** When tick has to be called next. */
    get due() {
        const due = Math.min(this.#lastSent + this.#ping, this.#dead);
        const { count, since } = this.#in.owed;
        return count > 0 ? Math.min(due, since + TIMES.ackDelay) : due;
    }
    /** Queues the ping or acknowledgement that is due. Throws timeout when the other end was silent for too long. */
    tick(now) {
        if (now >= this.#dead) {
            throw new ProtocolError("timeout", `nothing was heard for ${now - this.#lastHeard} ms`);
        }
        const { count, since } = this.#in.owed;
        if (count > 0 && now >= since + TIMES.ackDelay)
            this.#acknowledge();
        if (now >= this.#lastSent + this.#ping) {
            this.#lastSent = now;
            this.#control("ping");
        }
    }
    /** When silence has lasted too long. */
    get #dead() {
        return this.#probeEnds ?? this.#lastHeard + this.#ping + TIMES.pingGrace;
    }
    #begin(now) {
        this.#lastSent = now;
        this.#heard(now);
    }
    #heard(now) {
        this.#lastHeard = now;
        this.#probeEnds = undefined;
    }
    #control(type) {
        this.#out.push({ message: { type, data: undefined } });
    }
    #acknowledge() {
        this.#in.settle();
        this.#control("ack");
    }
}
//# sourceMappingURL=core.js.map