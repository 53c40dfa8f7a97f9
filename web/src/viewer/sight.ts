import type { Viewport } from "../protocol/control.ts";

/** A window that is being drawn larger tells of many sizes; the last one counts (milliseconds). */
const settlesIn = 250;

/** Tells how large an element is shown on the screen, in its pixels, and when it is not to be seen. */
export class Sight {
  readonly #element: Element;
  readonly #told: (viewport: Viewport) => void;
  readonly #sizes: ResizeObserver | undefined;
  readonly #places: IntersectionObserver | undefined;
  readonly #later = () => this.#plan();
  /** Whether it is within what the window shows. */
  #inView = true;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Tells of the element's present size at once, and from then on until stop. */
  constructor(element: Element, told: (viewport: Viewport) => void) {
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
  stop(): void {
    clearTimeout(this.#timer);
    this.#sizes?.disconnect();
    this.#places?.disconnect();
    document.removeEventListener("visibilitychange", this.#later);
  }

  #plan(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), settlesIn);
  }

  #tell(): void {
    const { width, height } = this.#element.getBoundingClientRect();
    const seen = this.#inView && !document.hidden;
    const pixels = (length: number) => (seen ? Math.round(length * devicePixelRatio) : 0);
    this.#told({ width: pixels(width), height: pixels(height) });
  }
}
