/** Full-jitter back-off: many clients that lose one hub at once do not come back at once. */
export declare class Backoff {
    #private;
    /** random returns numbers from 0 to 1, as Math.random does. */
    constructor(random?: () => number);
    /** How many tries there were since the last success that lasted. */
    get tries(): number;
    /** How many milliseconds to wait before the next try. */
    next(): number;
    /** Notes how long the last success lasted; 30 s of life make the next wait a short one. */
    lived(ms: number): void;
    /** Begins again with short waits. */
    reset(): void;
}
