/** A window that is being drawn larger tells of many sizes; the last one counts (milliseconds). */
const settlesIn = 250;
/** Tells how large an element is shown on the screen, in its pixels, and when it is not to be seen. */
export class Sight {
    #element;
    #told;
    #sizes;
    #places;
    #later = () => this.#plan();
    /** Whether it is within what the window shows. */
    #inView = true;
    #timer;
    /** Tells of the element's present size at once, and from then on until stop. */
    constructor(element, told) {
        this.#element = element;
        this.#told = told;
        this.#sizes = globalThis.ResizeObserver && new ResizeObserver(this.#later);
        this.#sizes?.observe(element);
        this.#places =
            globalThis.IntersectionObserver &&
                new IntersectionObserver((entries) => {
                    this.#inView = entries.at(-1)?.isIntersecting ?? true;
                    this.#plan();
                });
        this.#places?.observe(element);
        document.addEventListener("visibilitychange", this.#later);
        this.#tell();
    }
    /** Tells no more. */
    stop() {
        clearTimeout(this.#timer);
        this.#sizes?.disconnect();
        this.#places?.disconnect();
        document.removeEventListener("visibilitychange", this.#later);
    }
    #plan() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#tell(), settlesIn);
    }
    #tell() {
        const { width, height } = this.#element.getBoundingClientRect();
        const seen = this.#inView && !document.hidden;
        const pixels = (length) => (seen ? Math.round(length * devicePixelRatio) : 0);
        this.#told({ width: pixels(width), height: pixels(height) });
    }
}
//# sourceMappingURL=sight.js.map