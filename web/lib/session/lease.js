/** The lease is extended when a fifth of it is left, at most five minutes and at least one second before its end. */
const share = 0.2;
const mostAhead = 300_000;
const leastAhead = 1000;
/** Watches the time that a session may live. */
export class Lease {
    #events;
    #until = 0;
    #due;
    #end;
    constructor(events) {
        this.#events = events;
    }
    /** Sets the end, in milliseconds of the hub's clock. One that is no later than the present end plans no extension. */
    set(until, hubNow) {
        const later = until > this.#until;
        const left = until - hubNow;
        this.stop();
        this.#until = until;
        this.#end = setTimeout(() => this.#events.expired(), Math.max(0, left));
        const ahead = Math.max(leastAhead, Math.min(mostAhead, left * share));
        if (later)
            this.#due = setTimeout(() => this.#events.due(), Math.max(0, left - ahead));
    }
    /** Watches no more. */
    stop() {
        clearTimeout(this.#due);
        clearTimeout(this.#end);
    }
}
//# sourceMappingURL=lease.js.map