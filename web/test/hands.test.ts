import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Moving } from "../src/element/moving.ts";
import { fileName } from "../src/element/stills.ts";
import { sourceWords } from "../src/element/words.ts";
import type { PTZ, Viewport } from "../src/protocol/control.ts";
import { Sight } from "../src/viewer/sight.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("moving a camera", () => {
  let told: PTZ[];
  let moving: Moving;
  beforeEach(() => {
    told = [];
    moving = new Moving((ptz) => told.push(ptz));
  });

  it("repeats while it is held, and stops", async () => {
    moving.hold("left");
    moving.hold("left");
    await vi.advanceTimersByTimeAsync(650);
    moving.release("left");
    moving.release("left");
    const left = { pan: -1, tilt: 0, zoom: 0 };
    expect(told).toEqual([left, left, left, { pan: 0, tilt: 0, zoom: 0 }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("goes both ways at once, and nowhere when they are opposite", () => {
    moving.hold("up");
    moving.hold("right");
    moving.hold("down");
    expect(told.slice(1)).toEqual([
      { pan: 1, tilt: 1, zoom: 0 },
      { pan: 1, tilt: 0, zoom: 0 },
    ]);
    expect([moving.is("up"), moving.is("left")]).toEqual([true, false]);
    moving.stop();
    moving.stop();
    expect(told.slice(3)).toEqual([{ pan: 0, tilt: 0, zoom: 0 }]);
  });
});

describe("a saved picture", () => {
  const at = new Date(2026, 10, 21, 12, 0, 5);

  it.each([
    ["camera", "image/jpeg", "camera-2026-11-21-120005.jpg"],
    ["Front door", "image/jpeg", "front-door-2026-11-21-120005.jpg"],
    ["  Über/../Tür ", "image/png", "uber-tur-2026-11-21-120005.png"],
    ["门", "image/jpeg", "camera-2026-11-21-120005.jpg"],
  ])("of %s is named after it and the time", (name, type, want) => {
    expect(fileName(name, at, type)).toBe(want);
  });
});

describe("the words for a source", () => {
  it("count down to the next try", () => {
    const now = new Date("2026-11-21T12:00:00Z");
    const inMs = (ms: number) => new Date(now.getTime() + ms);
    expect(sourceWords("down", inMs(3200), now)).toBe("Camera offline. Retrying in 4 s");
    expect(sourceWords("down", inMs(-10), now)).toBe("Camera offline. Retrying now");
    expect(sourceWords("down", undefined, now)).toBe("Camera offline");
    expect(sourceWords("dialing", inMs(3200), now)).toBe("Reaching the camera");
  });
});

describe("the size that is told", () => {
  it("is that on the screen, when it has settled, and nothing while it is not to be seen", async () => {
    const observers: { tell(entries?: unknown): void }[] = [];
    class Observer {
      readonly tell: (entries?: unknown) => void;
      constructor(tell: (entries?: unknown) => void) {
        this.tell = tell;
        observers.push(this);
      }
      observe(): void {}
      disconnect(): void {}
    }
    vi.stubGlobal("ResizeObserver", Observer);
    vi.stubGlobal("IntersectionObserver", Observer);
    vi.stubGlobal("devicePixelRatio", 1.5);
    const told: Viewport[] = [];
    const video = document.createElement("video");
    let width = 320;
    vi.spyOn(video, "getBoundingClientRect").mockImplementation(() => ({ width, height: width / 2 }) as DOMRect);
    const sight = new Sight(video, (viewport) => told.push(viewport));
    for (width of [400, 500, 640]) observers[0]?.tell();
    await vi.advanceTimersByTimeAsync(250);
    observers[1]?.tell([{ isIntersecting: false }]);
    await vi.advanceTimersByTimeAsync(250);
    observers[1]?.tell([{ isIntersecting: true }]);
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(250);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event("visibilitychange"));
    sight.stop();
    await vi.advanceTimersByTimeAsync(250);
    expect(told).toEqual([
      { width: 480, height: 240 },
      { width: 960, height: 480 },
      { width: 0, height: 0 },
      { width: 0, height: 0 },
    ]);
  });
});
