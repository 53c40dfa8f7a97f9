import type { Viewport } from "../protocol/control.ts";
/** Tells how large an element is shown on the screen, in its pixels, and when it is not to be seen. */
export declare class Sight {
    #private;
    /** Tells of the element's present size at once, and from then on until stop. */
    constructor(element: Element, told: (viewport: Viewport) => void);
    /** Tells no more. */
    stop(): void;
}
