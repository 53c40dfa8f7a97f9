import type { PTZ } from "../protocol/control.ts";

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
} as const satisfies Record<string, PTZ>;

/** One of {@link MOVES}. */
export type Move = keyof typeof MOVES;

/** The keys that move it. */
export const MOVE_KEYS: Readonly<Record<string, Move>> = {
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
  readonly #tell: (ptz: PTZ) => void;
  readonly #held = new Set<Move>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(tell: (ptz: PTZ) => void) {
    this.#tell = tell;
  }

  /** Whether it moves that way. */
  is(move: Move): boolean {
    return this.#held.has(move);
  }

  /** Begins to move that way too. */
  hold(move: Move): void {
    if (this.#held.has(move)) return;
    this.#held.add(move);
    this.#go();
  }

  /** Moves that way no more. */
  release(move: Move): void {
    if (this.#held.delete(move)) this.#go();
  }

  /** Stands still. */
  stop(): void {
    if (this.#held.size === 0) return;
    this.#held.clear();
    this.#go();
  }

  #go(): void {
    clearInterval(this.#timer);
    const speed = { pan: 0, tilt: 0, zoom: 0 };
    for (const move of this.#held) {
      speed.pan += MOVES[move].pan;
      speed.tilt += MOVES[move].tilt;
      speed.zoom += MOVES[move].zoom;
    }
    this.#tell(speed);
    if (this.#held.size > 0) this.#timer = setInterval(() => this.#tell(speed), repeats);
  }
}
