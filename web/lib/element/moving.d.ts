import type { PTZ } from "../protocol/control.ts";
/** The ways in which a person moves a camera. */
export declare const MOVES: {
    readonly up: {
        readonly pan: 0;
        readonly tilt: 1;
        readonly zoom: 0;
    };
    readonly down: {
        readonly pan: 0;
        readonly tilt: -1;
        readonly zoom: 0;
    };
    readonly left: {
        readonly pan: -1;
        readonly tilt: 0;
        readonly zoom: 0;
    };
    readonly right: {
        readonly pan: 1;
        readonly tilt: 0;
        readonly zoom: 0;
    };
    readonly closer: {
        readonly pan: 0;
        readonly tilt: 0;
        readonly zoom: 1;
    };
    readonly wider: {
        readonly pan: 0;
        readonly tilt: 0;
        readonly zoom: -1;
    };
};
/** One of {@link MOVES}. */
export type Move = keyof typeof MOVES;
/** The keys that move it. */
export declare const MOVE_KEYS: Readonly<Record<string, Move>>;
/** Moves a camera for as long as something is held. */
export declare class Moving {
    #private;
    constructor(tell: (ptz: PTZ) => void);
    /** Whether it moves that way. */
    is(move: Move): boolean;
    /** Begins to move that way too. */
    hold(move: Move): void;
    /** Moves that way no more. */
    release(move: Move): void;
    /** Stands still. */
    stop(): void;
}
