import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import "../src/element/define.ts";
import type { SightlineCamera } from "../src/element/camera.ts";
import { LABELS, NO_STILL, TALK_WORDS } from "../src/element/words.ts";
import type { Camera } from "../src/protocol/control.ts";
import { TALK_HINTS } from "../src/viewer/talking.ts";
import { goLive, show, text, tokenWith } from "./fakes/element.ts";
import { Hub } from "./fakes/hub.ts";
import { FakePeer, fakeRTC } from "./fakes/rtc.ts";

const up: Camera = {
  source: "up",
  renditions: [
    { name: "main", codec: "H264", width: 1920, height: 1080 },
    { name: "sub", codec: "H264", width: 640, height: 360 },
  ],
  rendition: "sub",
  auto: true,
  talk: true,
  ptz: true,
  snapshot: true,
};

let hub: Hub;
let camera: SightlineCamera;
let events: unknown[];

beforeEach(async () => {
  fakeRTC();
  hub = new Hub();
  vi.stubGlobal("WebSocket", hub.webSocket());
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  camera = await show({ token: tokenWith("view", "talk", "control"), label: "Front door" });
  events = [];
  camera.addEventListener("sightline-camera", (event) => events.push((event as CustomEvent).detail));
});
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const channel = () => FakePeer.newest.channel;
const settle = () => new Promise((done) => setTimeout(done));
const find = (label: string) => camera.shadowRoot?.querySelector<HTMLElement>(`button[aria-label="${label}"]`);
const section = () => camera.shadowRoot?.querySelector("section") as HTMLElement;

async function click(label: string): Promise<void> {
  find(label)?.click();
  await camera.updateComplete;
}

async function key(type: "keydown" | "keyup", name: string, on: EventTarget = section()): Promise<void> {
  on.dispatchEvent(new KeyboardEvent(type, { key: name, bubbles: true, composed: true, cancelable: true }));
  await camera.updateComplete;
}

/** Has the device listen and say how it is. */
async function status(change: Partial<Camera> = {}): Promise<void> {
  if (channel().readyState !== "open") channel().open();
  channel().say({ type: "status", data: { ...up, ...change } });
  await camera.updateComplete;
}

/** The browser lets the page have a microphone. */
function microphone() {
  const track = { kind: "audio", stop: vi.fn(), onended: null };
  const getUserMedia = vi.fn(async () => ({ getAudioTracks: () => [track] }));
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia } });
  return { track, getUserMedia };
}

describe("a device without a control channel", () => {
  it("is shown as ever, with what the page can do alone", async () => {
    await goLive(hub);
    await camera.updateComplete;
    expect(camera.dataset.state).toBe("live");
    expect(FakePeer.newest.sections).toEqual(["video recvonly", "audio sendonly", "channel control"]);
    expect(hub.socket.of("open")[0]?.data.media).toEqual({ video: true, talk: true });
    for (const label of [LABELS.talk, LABELS.moveCamera, LABELS.quality]) expect(find(label), label).toBeNull();
    expect(find(LABELS.snapshot)).not.toBeNull();
    expect([camera.camera, camera.renditions, camera.rendition, camera.dataset.source]).toEqual([
      null,
      [],
      null,
      undefined,
    ]);
    await click(LABELS.snapshot);
    await vi.waitUntil(() => text(camera).includes(NO_STILL));
    camera.rendition = "main";
    camera.move({ pan: 1 });
    await camera.talk(true);
    expect([channel().sent, camera.talking.state]).toEqual([[], "off"]);
  });
});

describe("a camera that can do everything", () => {
  beforeEach(async () => {
    await goLive(hub);
    await status();
  });

  it("tells its status in properties, an attribute and an event, and shows a button for each ability", async () => {
    expect(camera.camera).toEqual(up);
    expect([camera.rendition, camera.renditions.length, camera.dataset.source]).toEqual(["sub", 2, "up"]);
    expect(events).toEqual([{ camera: up }]);
    for (const label of [LABELS.talk, LABELS.moveCamera, LABELS.snapshot]) expect(find(label), label).not.toBeNull();
    for (const button of camera.shadowRoot?.querySelectorAll("button") ?? []) {
      expect(button.getAttribute("aria-label")).toMatch(/\S/);
    }
    await status({ talk: false, ptz: false, renditions: up.renditions.slice(0, 1) });
    for (const label of [LABELS.talk, LABELS.moveCamera, `${LABELS.quality}: SD`])
      expect(find(label), label).toBeNull();
    channel().close();
    await camera.updateComplete;
    expect([camera.camera, camera.dataset.source]).toEqual([null, undefined]);
  });

  it("is talked to while the button is held", async () => {
    const { track } = microphone();
    const button = find(LABELS.talk) as HTMLElement;
    button.dispatchEvent(new PointerEvent("pointerdown", { button: 0, bubbles: true }));
    await settle();
    expect([camera.talking.state, FakePeer.newest.spoken]).toEqual(["asking", []]);
    channel().answer("ok");
    await settle();
    await camera.updateComplete;
    expect([camera.talking.state, FakePeer.newest.spoken]).toEqual(["on", [track]]);
    expect(find(LABELS.talking)?.getAttribute("aria-pressed")).toBe("true");
    button.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
    expect([camera.talking.state, FakePeer.newest.spoken.at(-1)]).toEqual(["off", null]);
    expect(track.stop).toHaveBeenCalledOnce();
    expect(channel().of("talk")).toEqual([{ on: true }, { on: false }]);
  });

  it.each(["blur", "pagehide"])("is talked to no more after %s", async (name) => {
    const { track } = microphone();
    await key("keydown", " ");
    await settle();
    channel().answer("ok");
    await settle();
    expect(camera.talking.state).toBe("on");
    window.dispatchEvent(new Event(name));
    expect([camera.talking.state, track.stop.mock.calls.length]).toEqual(["off", 1]);
  });

  it("is talked to by a page's own button for as long as that says", async () => {
    microphone();
    const begun = camera.talk(true);
    await settle();
    channel().answer("ok");
    await begun;
    window.dispatchEvent(new Event("blur"));
    expect(camera.talking.state).toBe("on");
    await camera.talk(false);
    expect(camera.talking.state).toBe("off");
  });

  it("says why it cannot be talked to", async () => {
    microphone();
    await key("keydown", " ");
    await settle();
    channel().answer("error", { code: "busy", message: "" });
    await settle();
    await camera.updateComplete;
    expect(text(camera)).toContain(TALK_WORDS.busy);
    for (const hint of TALK_HINTS) expect(TALK_WORDS[hint], hint).toMatch(/^[A-Z][^_]*[^.]$/);
  });

  it("leaves the space bar to a button that has the focus", async () => {
    const { getUserMedia } = microphone();
    await key("keydown", " ", find(LABELS.stats) as HTMLElement);
    expect(getUserMedia).not.toHaveBeenCalled();
  });

  it("is moved by the pad and by the arrow keys, until they are let go", async () => {
    await click(LABELS.moveCamera);
    find(LABELS.left)?.dispatchEvent(new PointerEvent("pointerdown", { button: 0, bubbles: true }));
    find(LABELS.left)?.dispatchEvent(new PointerEvent("pointercancel", { bubbles: true }));
    await key("keydown", "ArrowUp");
    section().dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
    await key("keyup", "ArrowUp");
    find(LABELS.home)?.click();
    const still = { pan: 0, tilt: 0, zoom: 0 };
    expect(channel().of("ptz")).toEqual([
      { ...still, pan: -1 },
      still,
      { ...still, tilt: 1 },
      still,
      { ...still, home: true },
    ]);
    await key("keydown", "Escape");
    expect(find(LABELS.left)).toBeNull();
  });

  it("leaves the choice of its rendition, also in the next session", async () => {
    const label = `${LABELS.quality}: SD`;
    await click(label);
    const items = () => [...(camera.shadowRoot?.querySelectorAll("[role=menuitemradio]") ?? [])] as HTMLElement[];
    expect(items().map((item) => item.textContent?.trim().replace(/\s+/g, " "))).toEqual([
      "Auto",
      "HD1920 × 1080",
      "SD640 × 360",
    ]);
    expect(items().map((item) => item.getAttribute("aria-checked"))).toEqual(["true", "false", "false"]);
    items()[1]?.click();
    await camera.updateComplete;
    expect([items(), channel().of("rendition")]).toEqual([[], [{ rendition: "main" }]]);
    hub.socket.send("closed", { reason: "timeout" }, { session: hub.socket.of("open")[0]?.session ?? "" });
    await vi.waitUntil(() => hub.socket.of("open").length === 2, 4000);
    channel().open();
    expect(channel().of("rendition")).toEqual([{ rendition: "main" }]);
    camera.rendition = null;
    expect(channel().of("rendition").at(-1)).toEqual({});
    camera.rendition = "sub";
    camera.remove();
    document.body.append(camera);
    channel().open();
    expect(channel().of("rendition")).toEqual([{ rendition: "sub" }]);
  });

  it("has a menu that keys go through and a press beside it closes", async () => {
    const label = `${LABELS.quality}: SD`;
    const focused = () => camera.shadowRoot?.activeElement?.textContent?.trim().slice(0, 4);
    await click(label);
    expect([find(label)?.getAttribute("aria-expanded"), focused()]).toEqual(["true", "Auto"]);
    for (const name of ["ArrowUp", "ArrowDown", "ArrowDown", "End", "ArrowDown", "Home"]) {
      await key("keydown", name, camera.shadowRoot?.activeElement as Element);
    }
    expect([focused(), channel().of("ptz")]).toEqual(["Auto", []]);
    await key("keydown", "ArrowUp", camera.shadowRoot?.activeElement as Element);
    expect(focused()).toBe("SD64");
    await key("keydown", "Escape", camera.shadowRoot?.activeElement as Element);
    await camera.updateComplete;
    expect(camera.shadowRoot?.activeElement).toBe(find(label));
    await click(label);
    section().dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, composed: true }));
    await camera.updateComplete;
    expect(camera.shadowRoot?.querySelector("[role=menu]")).toBeNull();
  });

  it("gives its own still picture", async () => {
    const picture = camera.snapshot();
    channel().answer("ok", { media_type: "image/jpeg", bytes: 2 });
    channel().say(new Uint8Array([1, 2]).buffer);
    expect((await picture).size).toBe(2);
  });

  it("saves a still picture as a file", async () => {
    const saved: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      saved.push(this.download);
    });
    await click(LABELS.snapshot);
    channel().answer("ok", { media_type: "image/jpeg", bytes: 1 });
    channel().say(new ArrayBuffer(1));
    await vi.waitUntil(() => saved.length > 0);
    expect(saved[0]).toMatch(/^front-door-\d{4}-\d\d-\d\d-\d{6}\.jpg$/);
    await vi.waitUntil(() => text(camera).includes(LABELS.saved));
  });
});

describe("a camera whose source is away", () => {
  it("says so over the picture and counts down, and says what else is missing in the details", async () => {
    await goLive(hub);
    const notes = [{ code: "audio_dropped", message: "the camera's sound is AAC" }];
    await status({ source: "down", why: "nothing answers at 192.0.2.7", retry_ms: 4000, notes });
    expect(camera.dataset.source).toBe("down");
    expect(text(camera)).toContain("Camera offline. Retrying in 4 s");
    await key("keydown", "i");
    expect(text(camera)).toContain("Nothing answers at 192.0.2.7.The camera's sound is AAC.");
    expect(text(camera)).toContain(`${LABELS.quality}SD (Auto)`);
    await vi.waitUntil(() => text(camera).includes("Retrying in 3 s"), 3000);
    await status({ notes });
    expect([camera.dataset.source, text(camera).includes("Retrying")]).toEqual(["up", false]);
  });

  it("says so before the first picture too", async () => {
    hub.greet();
    await settle();
    await status({ source: "down", retry_ms: 9000 });
    expect([camera.dataset.state, text(camera).includes("Camera offline Retrying in 9 s.")]).toEqual([
      "connecting",
      true,
    ]);
  });
});

describe("the poster", () => {
  it("is shown until there is a picture", async () => {
    document.body.replaceChildren();
    const blob = new Blob(["x"], { type: "image/jpeg" });
    vi.stubGlobal("fetch", async () => ({ ok: true, headers: new Headers(), blob: async () => blob }));
    camera = await show();
    await vi.waitUntil(() => camera.shadowRoot?.querySelector("img.poster"));
    await goLive(hub);
    await vi.waitUntil(() => !camera.shadowRoot?.querySelector("img.poster"), 2000);
    expect(camera.dataset.state).toBe("live");
  });
});
