import { ProtocolError } from "../protocol/error.js";
import { LIMITS, TIMES } from "../protocol/limits.js";
import { Core } from "./core.js";
import { Repairs } from "./repairs.js";
import { Requests } from "./requests.js";
/** How many closes outlive a link whose queue was full: half a queue, so that their syncs have room too. */
const mostCloses = LIMITS.unacked / 2;
/**
 * What a link says and hears, whatever carries it: messages in their order, requests with their answers, and the
 * sessions that take their messages and repair their state.
 */
export class Exchange {
    #core = new Core(Date.now());
    #requests = new Requests();
    #repairs = new Repairs();
    #holders = new Map();
    #pingIdle = TIMES.pingBusy;
    #pingBusy = TIMES.pingBusy;
    /** The logic of the numbers and of the signs of life. */
    get core() {
        return this.#core;
    }
    /** The sessions that hold the link. */
    get held() {
        return [...this.#holders.values()];
    }
    /** Hands a session its messages until the returned function is called. */
    hold(holder) {
        this.#holders.set(holder.id, holder);
        this.#setPing();
        return () => {
            this.#requests.drop(holder.id);
            this.#holders.delete(holder.id);
            this.#setPing();
        };
    }
    /** Sets the ping interval in milliseconds, without a session and with one. */
    setPing(idle, busy) {
        this.#pingIdle = idle;
        this.#pingBusy = busy;
        this.#setPing();
    }
    /**
     * Queues a message. Returns what was wrong when the queue was full: then the link can only start anew, with its
     * requests and closes; the rest is repaired by sync.
     */
    queue(parcel) {
        try {
            if (this.#repairs.waiting && mustArrive(parcel.message))
                this.#repairs.add(parcel);
            else
                this.#core.send(parcel.message, parcel.proof);
            return undefined;
        }
        catch (error) {
            if (!(error instanceof ProtocolError) || error.code !== "too_slow")
                throw error;
            const closes = [...this.#lose(Date.now()), parcel].filter(({ message }) => message.type === "close");
            for (const { message, proof } of closes.slice(-mostCloses))
                this.#core.send(message, proof);
            return error;
        }
    }
    /** Queues a request, as queue does; its answer comes once. */
    request(draft, answer) {
        return this.queue({ message: this.#requests.add(draft, answer) });
    }
    /** How far the link is, to be compared with what a welcome says. */
    mark() {
        return { acknowledged: this.#core.acknowledged, ...this.#requests.opens };
    }
    /**
     * Goes on with what the hub lacks; mark is of the hello. The hub may have said since then to have more, on the carrier
     * that went on meanwhile. Throws sequence when received is not within what was kept.
     */
    resume(received, mark, now) {
        if (received < (mark?.acknowledged ?? 0)) {
            throw new ProtocolError("sequence", `the hub has ${received} and had more`);
        }
        this.#core.attach(Math.max(received, this.#core.acknowledged), now);
    }
    /** Whether the grant of a welcome may have been used since the hello of this mark. */
    usedGrant(mark) {
        return !mark || mark.waiting || mark.count !== this.#requests.opens.count;
    }
    /** Makes sure that a carrier's first message follows: with it the hub leaves the last one, and knows where to go on. */
    affirm() {
        if (!this.#repairs.waiting)
            this.#core.affirm();
    }
    /** Starts anew, with the grant of the new link; nothing goes out before repair. */
    restart(now, grant) {
        this.#repairs.begin(this.#lose(now, grant));
    }
    /** Tells the hub the state of these sessions, as far as they still hold the link at their turn. */
    repair(held) {
        this.#repairs.plan(held, (holder) => this.#holders.get(holder.id) === holder);
    }
    /**
     * Takes a message in: an answer goes to who asked, a session's message to the session, all else to others. Throws a
     * ProtocolError when the sequence is broken.
     */
    receive(message, now, others) {
        if (!this.#core.receive(message, now))
            return;
        const holder = message.session === undefined ? undefined : this.#holders.get(message.session);
        if (message.re)
            this.#requests.answer(message);
        else if (holder && message.type !== "error")
            holder.receive(message);
        else
            others(message);
        this.#core.took(message.seq ?? 0, now);
    }
    /** Takes in a message of a type that this program does not know, and queues the answer that says so, as queue does. */
    refuse(unknown, now) {
        const { seq = 0, ack = 0, id } = unknown.head;
        if (!this.#core.receiveUnknown(seq, ack, now))
            return undefined;
        const data = { code: unknown.code, message: unknown.message };
        const full = this.queue({ message: id === undefined ? { type: "error", data } : { type: "error", re: id, data } });
        this.#core.took(seq, now);
        return full;
    }
    /** The next message to write. */
    next(now) {
        while (this.#core.roomy) {
            const repair = this.#repairs.next();
            if (!repair)
                break;
            this.#core.send(repair.message, repair.proof);
        }
        return this.#core.next(now);
    }
    /** Empties the queues, and returns what has to be sent again on a new link. */
    #lose(now, grant) {
        const lost = this.#core.reset(now);
        return this.#requests.again([...lost, ...this.#repairs.clear()], grant);
    }
    #setPing() {
        this.#core.setPing(this.#holders.size > 0 ? Math.min(this.#pingIdle, this.#pingBusy) : this.#pingIdle);
    }
}
/** Whether a message is sent again when its link could not be resumed. */
function mustArrive({ id, type }) {
    return id !== undefined || type === "close";
}
//# sourceMappingURL=exchange.js.map