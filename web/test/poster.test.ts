import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Poster } from "../src/viewer/poster.ts";

const hub = new URL("https://hub.example/base/");
const jpeg = new Blob(["x"], { type: "image/jpeg" });

let poster: Poster;
let changes: (string | undefined)[];
let asked: { url: string; init: RequestInit }[];
let revoked: string[];

/** The hub answers so. */
function serve(picture: Blob | number, age?: number, wait = 0): void {
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    asked.push({ url: String(url), init });
    await new Promise((done) => setTimeout(done, wait));
    const headers = new Headers(age === undefined ? {} : { age: String(age) });
    const ok = typeof picture !== "number";
    return { ok, headers, blob: async () => picture };
  });
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  changes = [];
  asked = [];
  revoked = [];
  let made = 0;
  vi.spyOn(URL, "createObjectURL").mockImplementation(() => `blob:${++made}`);
  vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void revoked.push(url));
  poster = new Poster(() => changes.push(poster.url));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("the poster", () => {
  it("is asked for with the viewer's token, behind everything else", async () => {
    serve(jpeg);
    void poster.fetch(hub, "front-door", "t-1");
    await settle();
    expect(asked[0]?.url).toBe("https://hub.example/base/v1/link/snapshot/front-door");
    expect(asked[0]?.init).toMatchObject({ headers: { Authorization: "Bearer t-1" }, priority: "low" });
    expect(poster.url).toBe("blob:1");
  });

  it("goes when the live picture has faded in, and frees its memory", async () => {
    serve(jpeg);
    await Promise.all([poster.fetch(hub, "d", "t"), settle()]);
    poster.fade();
    expect(poster.url).toBe("blob:1");
    await vi.advanceTimersByTimeAsync(400);
    expect([poster.url, revoked, changes]).toEqual([undefined, ["blob:1"], ["blob:1", undefined]]);
  });

  it("is not taken when the live picture was faster", async () => {
    serve(jpeg, 0, 500);
    void poster.fetch(hub, "d", "t");
    poster.fade();
    await vi.advanceTimersByTimeAsync(1000);
    expect([poster.url, changes, asked[0]?.init.signal?.aborted]).toEqual([undefined, [], true]);
  });

  it("is not shown when it is older than ten minutes, however long it waits", async () => {
    serve(jpeg, 600);
    await Promise.all([poster.fetch(hub, "d", "t"), settle()]);
    expect(poster.url).toBeUndefined();
    serve(jpeg, 590);
    await Promise.all([poster.fetch(hub, "d", "t"), settle()]);
    expect(poster.url).toBe("blob:1");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(poster.url).toBeUndefined();
  });

  it.each([
    ["a refusal", 403],
    ["what is no picture", new Blob(["<script>"], { type: "text/html" })],
    ["a picture that is too large", new Blob([new Uint8Array((1 << 20) + 1)], { type: "image/jpeg" })],
  ])("leaves out %s in silence", async (_, answer) => {
    serve(answer);
    await Promise.all([poster.fetch(hub, "d", "t"), settle()]);
    expect([poster.url, changes]).toEqual([undefined, []]);
  });

  it("bears a network that fails", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    await poster.fetch(hub, "d", "t");
    expect(poster.url).toBeUndefined();
  });
});
