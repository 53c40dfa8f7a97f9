import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import "../src/element/define.ts";
import {
  LABELS,
  PICTURE_CONTINUES,
  RELAY_TIME_WORDS,
  RELAY_WORDS,
  STATE_WORDS,
  WHY_WORDS,
  whyLongPoll,
  wordsFor,
} from "../src/element/words.ts";
import { readAddress } from "../src/pages/address.ts";
import { CODES } from "../src/protocol/error.ts";
import { FALLBACK_REASONS } from "../src/protocol/fallback.ts";
import { REASONS } from "../src/protocol/reason.ts";
import { RELAY_REASONS } from "../src/session/reason.ts";
import { HINTS, STATES } from "../src/viewer/view.ts";
import { PollDoor, welcome } from "./fakes/door.ts";
import { goLive, show, text } from "./fakes/element.ts";
import { Hub } from "./fakes/hub.ts";
import { FakePeer, fakeRTC } from "./fakes/rtc.ts";

let hub: Hub;

beforeEach(() => {
  fakeRTC();
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  hub = new Hub();
  vi.stubGlobal("WebSocket", hub.webSocket());
});
afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

const settle = () => new Promise((done) => setTimeout(done));
const live = () => goLive(hub);

describe("the words", () => {
  it("say something of every end reason, every error code and every hint", () => {
    for (const why of [...REASONS, ...CODES, ...HINTS]) {
      expect(WHY_WORDS[why]?.title, why).toMatch(/\S/);
      expect(WHY_WORDS[why]?.detail, why).toMatch(/\S/);
    }
    expect(Object.keys(WHY_WORDS).sort()).toEqual([...new Set([...REASONS, ...CODES, ...HINTS])].sort());
  });

  it("say something of every reason of a fallback", () => {
    for (const reason of FALLBACK_REASONS) {
      const words = whyLongPoll({ reason }, LABELS.thisNetwork);
      expect(words, reason).toMatch(/\S.*\.$/);
      expect(words).not.toMatch(/[{}_]/);
    }
  });

  it("say something of every reason of a relay", () => {
    for (const reason of RELAY_REASONS) expect(RELAY_WORDS[reason], reason).toMatch(/^[A-Z][^_]*\.$/);
  });

  it("tell a session whose time on the relay is over from a plan that is used up", () => {
    expect(wordsFor({ state: "closed", reason: "quota" })).toEqual(WHY_WORDS.quota);
    expect(wordsFor({ state: "closed", reason: "quota", relayTime: true })).toEqual(RELAY_TIME_WORDS);
  });

  it("say something of every state", () => {
    for (const state of STATES) expect(STATE_WORDS[state].title, state).toMatch(/\S/);
  });

  it("never show a person a name from the protocol", () => {
    for (const { title, detail } of Object.values(WHY_WORDS))
      expect(`${title} ${detail}`).not.toMatch(/_|ICE|token|hub/);
  });

  it("tell since when a camera is away", () => {
    const now = new Date("2026-11-21T12:00:00Z");
    const at = (seen: string) => wordsFor({ state: "waiting", reason: "offline", lastSeen: new Date(seen) }, now).title;
    expect(at("2026-11-21T11:55:00Z")).toBe("Camera offline (last seen 5 minutes ago)");
    expect(at("2026-11-20T11:00:00Z")).toBe("Camera offline (last seen yesterday)");
    expect(wordsFor({ state: "waiting", reason: "offline" }, now).title).toBe("Camera offline");
    expect(wordsFor({ state: "waiting", reason: "full", lastSeen: now }, now).title).toBe("Camera full");
  });
});

describe("<sightline-camera>", () => {
  it("reflects its state and path, tells them in events and shows them", async () => {
    const camera = document.createElement("sightline-camera");
    const events: unknown[] = [];
    for (const name of ["sightline-state", "sightline-path"]) {
      camera.addEventListener(name, (event) => events.push((event as CustomEvent).detail));
    }
    document.body.append(camera);
    await camera.updateComplete;
    expect(camera.dataset.state).toBe("idle");
    expect(text(camera)).toContain(STATE_WORDS.idle.title);
    Object.assign(camera, { hub: "https://hub.example", device: "dev_1", token: "t-1" });
    await camera.updateComplete;
    expect(camera.dataset.state).toBe("connecting");
    await live();
    await camera.updateComplete;
    expect(camera.getAttribute("data-state")).toBe("live");
    expect(camera.getAttribute("data-path")).toBe("relay");
    expect([camera.state, camera.path, camera.reason, camera.stats?.codec]).toEqual(["live", "relay", null, "H264"]);
    expect(text(camera)).toContain(LABELS.relay);
    expect(events).toEqual([
      { state: "connecting", reason: null },
      { path: "relay", means: "relay" },
      { state: "live", reason: null },
    ]);
  });

  it("opens one socket, and asks for relays only when told to", async () => {
    await show({ ice: "relay" });
    expect(hub.sockets).toHaveLength(1);
    expect(FakePeer.newest.configuration.iceTransportPolicy).toBe("relay");
  });

  it("says that the picture continues when the link is lost", async () => {
    const camera = await show();
    await live();
    hub.socket.drop();
    await camera.updateComplete;
    expect(camera.dataset.state).toBe("live");
    expect(camera.reason).toBe("link_lost");
    expect(text(camera)).toContain(PICTURE_CONTINUES);
  });

  it("says in words why it is closed, and tries again when asked", async () => {
    const camera = await show();
    hub.socket.open();
    hub.socket.send("error", { code: "expired", message: "" });
    hub.socket.drop(4500);
    await settle();
    await camera.updateComplete;
    expect(camera.dataset.state).toBe("closed");
    expect(camera.reason).toBe("expired");
    expect(text(camera)).toContain(WHY_WORDS.expired.title);
    camera.shadowRoot?.querySelector<HTMLButtonElement>(".again")?.click();
    expect(hub.sockets).toHaveLength(2);
    expect(camera.dataset.state).toBe("connecting");
  });

  it("asks its token provider when it has no token", async () => {
    const camera = document.createElement("sightline-camera");
    camera.tokenProvider = async () => "t-9";
    Object.assign(camera, { hub: "https://hub.example", device: "dev_1" });
    document.body.append(camera);
    await settle();
    hub.socket.open();
    expect(hub.socket.of("hello")[0]?.data.token).toBe("t-9");
  });

  it("shows the figures on demand", async () => {
    const camera = await show();
    await live();
    await camera.updateComplete;
    expect(camera.shadowRoot?.querySelector("dl")).toBeNull();
    camera.shadowRoot?.querySelector<HTMLButtonElement>(`[aria-label="${LABELS.stats}"]`)?.click();
    await camera.updateComplete;
    const panel = camera.shadowRoot?.querySelector("dl")?.textContent ?? "";
    for (const figure of ["H264", "1280 × 720", "30 fps", "12 ms", "0.0 %", "Relay"]) expect(panel).toContain(figure);
  });

  it("follows an upgrade from the relay: in the figures, an attribute and an event", async () => {
    const camera = await show();
    const told: unknown[] = [];
    camera.addEventListener("sightline-path", (event) => told.push((event as CustomEvent).detail));
    await live();
    camera.shadowRoot?.querySelector<HTMLButtonElement>(`[aria-label="${LABELS.stats}"]`)?.click();
    await camera.updateComplete;
    const figures = () => camera.shadowRoot?.querySelector("dl")?.textContent ?? "";
    expect(figures()).toContain(RELAY_WORDS.not_yet);
    FakePeer.newest.measure(60, "host", { candidateType: "host", address: "2001:db8::7", port: 5 });
    FakePeer.newest.ice("completed");
    await settle();
    await camera.updateComplete;
    expect(figures()).toContain("Direct (IPv6)");
    expect(figures()).toContain(LABELS.firstPath);
    expect(figures()).not.toContain(RELAY_WORDS.not_yet);
    expect([camera.dataset.path, camera.pathDetails?.means]).toEqual(["direct", "ipv6"]);
    expect(told).toEqual([
      { path: "relay", means: "relay" },
      { path: "direct", means: "ipv6" },
    ]);
  });

  it("says by which door its signaling goes, and why, in an attribute, an event and the figures", async () => {
    localStorage.clear();
    const door = new PollDoor();
    door.receives = true;
    const camera = document.createElement("sightline-camera");
    camera.linkOptions = { fallback: { failures: 1, remember: 0 } };
    const events: unknown[] = [];
    camera.addEventListener("sightline-transport", (event) => events.push((event as CustomEvent).detail));
    Object.assign(camera, { hub: "https://hub.example", device: "dev_1", token: "t-1" });
    document.body.append(camera);
    await camera.updateComplete;
    expect([camera.transport, camera.fallback, camera.dataset.transport]).toEqual([null, null, undefined]);
    hub.socket.drop();
    await vi.waitUntil(() => door.of("/v1/link/send").length > 0, 4000);
    await door.send.answer(200, { response: 1, messages: [welcome()] });
    await vi.waitUntil(() => camera.transport !== null, 4000);
    const fallback = { reason: "unknown" };
    expect([camera.dataset.transport, camera.fallback]).toEqual(["long_poll", fallback]);
    expect(events).toEqual([{ transport: "long_poll", fallback }]);
    const presence = { device: "dev_1", status: "online", generation: 1, fallback: { reason: "cut", detail: "3 x" } };
    await door.poll.answer(200, { response: 2, messages: [{ type: "presence", data: presence }] });
    camera.shadowRoot?.querySelector("section")?.dispatchEvent(new KeyboardEvent("keydown", { key: "i" }));
    await camera.updateComplete;
    expect(text(camera)).toContain(`${LABELS.signaling}${LABELS.long_poll}`);
    expect(text(camera)).toContain("WebSockets do not get through this network.");
    expect(text(camera)).toContain("WebSockets are cut again and again in the camera's network. (3 x)");
    camera.remove();
    expect(camera.hasAttribute("data-transport")).toBe(false);
    expect(door.send).toMatchObject({ keepalive: true, body: { messages: [{ type: "close" }, { type: "bye" }] } });
  });

  it("names every button", async () => {
    const camera = await show();
    await live();
    await camera.updateComplete;
    const buttons = [...(camera.shadowRoot?.querySelectorAll("button") ?? [])];
    expect(buttons.length).toBeGreaterThan(0);
    for (const button of buttons) expect(button.getAttribute("aria-label")).toMatch(/\S/);
  });

  it("leaves when it is taken out of the page, and comes back with it", async () => {
    const camera = await show();
    await live();
    camera.remove();
    expect(hub.socket.of("bye")).toHaveLength(1);
    expect(camera.dataset.state).toBe("idle");
    expect(camera.hasAttribute("data-path")).toBe(false);
    document.body.append(camera);
    await camera.updateComplete;
    expect(hub.sockets).toHaveLength(2);
  });
});

describe("the watch page's address", () => {
  it("names the device, the token and the relay", () => {
    expect(readAddress(new URL("https://h/watch/front_door?ice=relay#token=a.b-c_d"))).toEqual({
      device: "front_door",
      token: "a.b-c_d",
      relayOnly: true,
    });
    expect(readAddress(new URL("https://h/watch/d/"))).toEqual({ device: "d", token: "", relayOnly: false });
  });

  it.each(["https://h/", "https://h/watch/", "https://h/watch/A!", "https://h/watch/a/b"])("%s is none", (url) => {
    expect(readAddress(new URL(url))).toBeUndefined();
  });
});
