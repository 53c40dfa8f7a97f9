/** The shortest and the longest wait, in milliseconds: rand(0.5 s, min(30 s, 0.5 s · 2ⁿ)). */
const least = 500;
const most = 30_000;
/** Full-jitter back-off: many clients that lose one hub at once do not come back at once. */
export class Backoff {
    #tries = 0;
    #random;
    /** random returns numbers from 0 to 1, as Math.random does. */
    constructor(random = Math.random) {
        this.#random = random;
    }
    /** How many tries there were since the last success that lasted. */
    get tries() {
        return this.#tries;
    }
    /** How many milliseconds to wait before the next try. */
    next() {
        this.#tries++;
        const top = Math.min(most, least * 2 ** this.#tries);
        return Math.round(least + this.#random() * (top - least));
    }
    /** Notes how long the last success lasted; 30 s of life make the next wait a short one. */
    lived(ms) {
        if (ms >= most)
            this.#tries = 0;
    }
    /** Begins again with short waits. */
    reset() {
        this.#tries = 0;
    }
}
//# sourceMappingURL=backoff.js.map