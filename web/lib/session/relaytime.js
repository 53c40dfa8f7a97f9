/** A timer holds no more (milliseconds): the end is then looked at again. */
const mostTimer = 2 ** 31 - 1;
/** The hub counts too, and may be earlier by what a message takes (milliseconds). */
const tolerance = 5000;
/** Counts a session's time on the relay path against what its policy allows. */
export class RelayTime {
    #over;
    /** What is allowed, in milliseconds; 0 is any time. */
    #most = 0;
    #spent = 0;
    #since;
    #timer;
    /** over is called once the time is used up. */
    constructor(over) {
        this.#over = over;
    }
    /** Whether the time is used up, or so nearly that the hub may have said so first. */
    get up() {
        return this.#most > 0 && this.#used >= this.#most - Math.min(tolerance, this.#most / 2);
    }
    /** Follows a policy: so many seconds, 0 or nothing for any time. */
    allow(seconds = 0) {
        this.#most = seconds * 1000;
        this.#plan();
    }
    /** Notes which path the media takes from now on. */
    path(kind) {
        this.#spent = this.#used;
        this.#since = kind === "relay" ? Date.now() : undefined;
        this.#plan();
    }
    /** Counts no more. */
    stop() {
        clearTimeout(this.#timer);
    }
    get #used() {
        return this.#spent + (this.#since === undefined ? 0 : Date.now() - this.#since);
    }
    #plan() {
        this.stop();
        if (this.#most === 0 || this.#since === undefined)
            return;
        const left = Math.max(0, this.#most - this.#used);
        this.#timer = setTimeout(() => (left > mostTimer ? this.#plan() : this.#over()), Math.min(left, mostTimer));
    }
}
//# sourceMappingURL=relaytime.js.map