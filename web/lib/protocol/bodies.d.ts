import { type Check } from "./check.ts";
import type { Bodies, Type } from "./envelope.ts";
/** How to read the body of each type. */
export declare const BODIES: {
    readonly [T in Type]: Check<Bodies[T]>;
};
