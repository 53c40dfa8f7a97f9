/** A camera stops by itself a second after it was last told to move (milliseconds). */
const repeats = 300;
/** The ways in which a person moves a camera. */
export const MOVES = {
    up: { pan: 0, tilt: 1, zoom: 0 },
    down: { pan: 0, tilt: -1, zoom: 0 },
    left: { pan: -1, tilt: 0, zoom: 0 },
    right: { pan: 1, tilt: 0, zoom: 0 },
    closer: { pan: 0, tilt: 0, zoom: 1 },
    wider: { pan: 0, tilt: 0, zoom: -1 },
};
/** The keys that move it. */
export const MOVE_KEYS = {
    ArrowUp: "up",
    ArrowDown: "down",
    ArrowLeft: "left",
    ArrowRight: "right",
    "+": "closer",
    "=": "closer",
    "-": "wider",
};
/** Moves a camera for as long as something is held. */
export class Moving {
    #tell;
    #held = new Set();
    #timer;
    constructor(tell) {
        this.#tell = tell;
    }
    /** Whether it moves that way. */
    is(move) {
        return this.#held.has(move);
    }
    /** Begins to move that way too. */
    hold(move) {
        if (this.#held.has(move))
            return;
        this.#held.add(move);
        this.#go();
    }
    /** Moves that way no more. */
    release(move) {
        if (this.#held.delete(move))
            this.#go();
    }
    /** Stands still. */
    stop() {
        if (this.#held.size === 0)
            return;
        this.#held.clear();
        this.#go();
    }
    #go() {
        clearInterval(this.#timer);
        const speed = { pan: 0, tilt: 0, zoom: 0 };
        for (const move of this.#held) {
            speed.pan += MOVES[move].pan;
            speed.tilt += MOVES[move].tilt;
            speed.zoom += MOVES[move].zoom;
        }
        this.#tell(speed);
        if (this.#held.size > 0)
            this.#timer = setInterval(() => this.#tell(speed), repeats);
    }
}
//# sourceMappingURL=moving.js.map