import { CLOSE } from "../protocol/close.js";
import { bytesOf, decode } from "../protocol/codec.js";
import { ProtocolError } from "../protocol/error.js";
import { LIMITS, TIMES } from "../protocol/limits.js";
import { authorization, PATHS, readDelivery, readFarewell, readReceipt } from "../protocol/poll.js";
import { Requester } from "./requester.js";
/** Closed without a word (RFC 6455 section 7.4.1). */
const abnormal = 1006;
/** How many messages wait for the send before theirs: more than the link leaves unacknowledged. */
const mostQueued = 2 * LIMITS.unacked;
/** The brackets of a parcel. */
const parcelOverhead = 64;
/** What a browser lets out after the page has gone (Fetch, "keepalive"), all its requests together. */
const mostKeptAlive = 60 << 10;
const usual = { poll: TIMES.pollWait + TIMES.pingGrace, send: 10_000, pause: 500, tries: 4 };
/** Carries a link over `POST /v1/link/send` and `/v1/link/poll`, where no WebSocket gets through. */
export function longPoll(times = {}) {
    return (hub, events) => new LongPoll(hub, events, { ...usual, ...times });
}
/**
 * One carrier of the long poll. One send is under way at a time and is repeated as it was; one poll waits at the hub
 * and acknowledges what came. A response that was lost comes again under its number.
 */
class LongPoll {
    #events;
    #times;
    #requests;
    #queue = [];
    /** What the send under way carries. */
    #parcel = [];
    #link;
    /** The number of the last response that came whole. */
    #got = 0;
    #over = false;
    constructor(hub, events, times) {
        this.#events = events;
        this.#times = times;
        this.#requests = new Requester(hub);
        queueMicrotask(() => {
            if (!this.#over)
                events.opened();
        });
    }
    send(message) {
        // Every poll acknowledges.
        if (this.#over || message.startsWith('{"type":"ack"'))
            return;
        if (this.#queue.length >= mostQueued) {
            queueMicrotask(() => this.#end(CLOSE.tooSlow));
            return;
        }
        this.#queue.push(message);
        // What is sent in one go travels in one request.
        if (this.#queue.length === 1 && this.#parcel.length === 0)
            queueMicrotask(() => void this.#sendAll());
    }
    close(code) {
        if (this.#over)
            return;
        this.#over = true;
        this.#requests.abort();
        const last = [...this.#parcel, ...this.#queue];
        if (code !== 1000 || this.#link === undefined || last.length === 0)
            return;
        // The send that was under way goes out again with the rest: the hub drops what it has seen.
        const body = parcelOf(last);
        this.#requests.last(PATHS.send, body, this.#link, bytesOf(body) <= mostKeptAlive);
    }
    async #sendAll() {
        while (!this.#over && this.#queue.length > 0) {
            this.#parcel = takeParcel(this.#queue);
            const answer = await this.#ask(PATHS.send, parcelOf(this.#parcel), this.#times.send);
            if (answer === undefined)
                return;
            if (this.#link === undefined) {
                this.#welcome(answer);
                void this.#pollAll();
            }
            else {
                this.#read(() => {
                    const { received } = readReceipt(answer);
                    this.#events.message(JSON.stringify({ type: "ack", ack: received }));
                });
            }
            this.#parcel = [];
        }
    }
    async #pollAll() {
        while (!this.#over) {
            const body = JSON.stringify({ received: this.#events.taken(), got: this.#got });
            const began = Date.now();
            const answer = await this.#ask(PATHS.poll, body, this.#times.poll);
            if (answer === undefined)
                return;
            this.#events.alive();
            const news = answer !== null && this.#deliver(answer);
            // Something in between that answers by itself must not make this a storm.
            if (!news && Date.now() - began < this.#times.pause)
                await this.#requests.pause(this.#times.pause);
        }
    }
    /** Sends until there is an answer: its body, null for none; undefined when it is all over. */
    async #ask(path, body, within) {
        for (let failures = 1; !this.#over; failures++) {
            const answer = await this.#requests.post(path, body, this.#link, within);
            if (this.#over)
                return undefined;
            if (answer?.status === 200)
                return answer.body;
            if (answer?.status === 204)
                return null;
            if (answer)
                this.#refused(answer);
            if (this.#over)
                return undefined;
            // A hello is not repeated here: its link decides by which door to come next.
            if (this.#link === undefined || failures >= this.#times.tries)
                this.#end(abnormal);
            else
                await this.#requests.pause(this.#times.pause * 2 ** (failures - 1));
        }
        return undefined;
    }
    /** Ends with what the hub said; all else may pass. */
    #refused({ status, body, retryMs, ofHub }) {
        if (status === 410) {
            this.#read(() => {
                const { close, error } = readFarewell(body);
                this.#events.message(JSON.stringify({ type: "error", data: error }));
                this.#end(close);
            });
        }
        else if ((status === 429 || status === 503) && this.#link === undefined && ofHub) {
            const data = { code: "rate_limited", message: `HTTP ${status}`, retry_ms: retryMs };
            this.#events.message(JSON.stringify({ type: "error", data }));
            this.#end(CLOSE.rate);
        }
        else if (ofHub && status < 500 && status !== 408) {
            this.#end(abnormal);
        }
    }
    /** Takes the response to the hello, which names the link for all that follows. */
    #welcome(answer) {
        this.#read(() => {
            const message = decode(JSON.stringify(readDelivery(answer).messages[0] ?? null));
            if (message.type !== "welcome")
                throw new ProtocolError("bad_message", `${message.type} came before welcome`);
            this.#link = authorization(message.data);
            this.#deliver(answer);
        });
    }
    /** Hands over what a response brought, unless it came before. */
    #deliver(answer) {
        let news = false;
        this.#read(() => {
            const { response, messages } = readDelivery(answer);
            if (response <= this.#got)
                return;
            if (response > this.#got + 1)
                throw new ProtocolError("sequence", `response ${response} came after ${this.#got}`);
            this.#got = response;
            news = true;
            for (const message of messages) {
                if (!this.#over)
                    this.#events.message(JSON.stringify(message));
            }
        });
        return news;
    }
    /** Reads an answer; one that is not of its form ends the carrier, and the link goes on with another. */
    #read(take) {
        try {
            take();
        }
        catch (error) {
            if (!(error instanceof ProtocolError))
                throw error;
            this.#end(abnormal);
        }
    }
    #end(code) {
        if (this.#over)
            return;
        this.#over = true;
        this.#requests.abort();
        this.#events.closed(code);
    }
}
/** Takes as many of the oldest messages as one request may carry. */
function takeParcel(queue) {
    let bytes = parcelOverhead;
    const fits = queue.findIndex((message) => {
        bytes += bytesOf(message) + 1;
        return bytes > LIMITS.parcelBytes;
    });
    return queue.splice(0, fits < 0 ? queue.length : Math.max(1, fits));
}
function parcelOf(messages) {
    return `{"messages":[${messages.join(",")}]}`;
}
//# sourceMappingURL=longpoll.js.map