import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Reason } from "../src/protocol/reason.ts";
import type { ViewerOptions } from "../src/viewer/options.ts";
import { stateOf } from "../src/viewer/view.ts";
import { Viewer } from "../src/viewer/viewer.ts";
import { PollDoor } from "./fakes/door.ts";
import { Hub } from "./fakes/hub.ts";
import { FakePeer, fakeRTC } from "./fakes/rtc.ts";

let hub: Hub;
let viewer: Viewer;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  fakeRTC();
  hub = new Hub();
  vi.stubGlobal("WebSocket", hub.webSocket());
});
afterEach(() => {
  viewer.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
const opens = () => hub.sockets.flatMap((socket) => socket.of("open"));

async function started(options: Partial<ViewerOptions> = {}): Promise<void> {
  viewer = new Viewer({ hub: new URL("https://hub.example"), device: "dev_1", token: "t-1", ...options });
  viewer.start();
  hub.greet();
  await settle();
}

function answerOpen(): void {
  const open = hub.socket.of("open").at(-1);
  const expires = new Date(Date.now() + 3_600_000).toISOString();
  const policy = { path: "prefer_direct", relay_delay_ms: 0, expires } as const;
  hub.socket.send("opened", { policy, expires }, { re: open?.id ?? 0, session: open?.session ?? "" });
}

function refuse(code: string, more: object = {}): void {
  const open = hub.socket.of("open").at(-1);
  const error = { code, message: "", ...more };
  hub.socket.send("error", error, { re: open?.id ?? 0, session: open?.session ?? "" });
}

async function live(): Promise<void> {
  answerOpen();
  const session = opens().at(-1)?.session ?? "";
  hub.socket.send("describe", { revision: 1, kind: "answer", sdp: "answer" }, { session });
  FakePeer.newest.measure(30);
  FakePeer.newest.ice("connected");
  await settle();
}

describe("what a person sees", () => {
  it("goes from connecting to live as soon as frames are decoded", async () => {
    await started();
    expect(viewer.view).toMatchObject({ state: "connecting", reason: undefined });
    await live();
    expect(viewer.view).toMatchObject({ state: "live", path: "direct", stats: { codec: "H264", frames: 30 } });
  });

  it("stays live when only the link is lost, and says so", async () => {
    await started();
    await live();
    hub.socket.drop();
    expect(viewer.view).toMatchObject({ state: "live", reason: "link_lost" });
    await vi.advanceTimersByTimeAsync(750);
    hub.greet();
    expect(viewer.view).toMatchObject({ state: "live", reason: undefined });
    expect(opens()).toHaveLength(1);
  });

  it("stays live through a link that goes on, and ends with what its snapshot says has ended", async () => {
    await started();
    await live();
    const session = opens()[0]?.session ?? "";
    const peer = FakePeer.newest;
    const stream = vi.fn();
    viewer.events.on("stream", stream);
    const answered = { session, state: "answered" } as const;
    for (const { sessions, wait } of [
      { sessions: [], wait: 750 },
      { sessions: [answered], wait: 1250 },
    ]) {
      hub.socket.send("pong", undefined, { ack: 1 });
      hub.socket.drop();
      await vi.advanceTimersByTimeAsync(wait);
      peer.measure(60);
      hub.greet({ resumed: true, received: 3 });
      hub.socket.send("snapshot", { sessions, presence: [] });
      await settle();
      expect(viewer.view).toMatchObject({ state: "live", reason: undefined });
      expect(hub.socket.of("sync")).toEqual([]);
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect([peer.closed, stream.mock.calls.length, opens().length]).toEqual([false, 0, 1]);
    const ended = { session, state: "ended", reason: "closed_by_api" } as const;
    hub.socket.send("snapshot", { sessions: [ended], presence: [] });
    expect(viewer.view).toMatchObject({ state: "closed", reason: "closed_by_api" });
  });

  it("waits when the picture stands", async () => {
    await started();
    await live();
    await vi.advanceTimersByTimeAsync(4000);
    expect(viewer.view).toMatchObject({ state: "waiting", reason: "stalled" });
  });

  it("says that there is no connection when the hub cannot be reached by any door", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    localStorage.clear();
    viewer = new Viewer({ hub: new URL("https://hub.example"), device: "dev_1", token: "t-1" });
    viewer.start();
    hub.socket.drop();
    await vi.advanceTimersByTimeAsync(750);
    hub.socket.drop();
    expect(viewer.view).toMatchObject({ state: "connecting", reason: undefined });
    await settle();
    expect(viewer.view).toMatchObject({ state: "waiting", reason: "link_lost" });
  });

  it("says so at once when the hub wants to be left alone for a while", () => {
    viewer = new Viewer({ hub: new URL("https://hub.example"), device: "dev_1", token: "t-1" });
    viewer.start();
    hub.socket.open();
    hub.socket.send("error", { code: "rate_limited", message: "", retry_ms: 20_000 });
    hub.socket.drop(4013);
    expect(viewer.view).toMatchObject({ state: "waiting", reason: "link_lost" });
  });

  it("says so in a browser without WebRTC", () => {
    vi.stubGlobal("RTCPeerConnection", undefined);
    viewer = new Viewer({ hub: new URL("https://hub.example"), device: "dev_1", token: "t-1" });
    viewer.start();
    expect(viewer.view).toMatchObject({ state: "closed", reason: "unsupported" });
    expect(hub.sockets).toHaveLength(0);
  });

  it("a picture that flows is live whatever else is wrong", () => {
    const facts = { started: true, final: undefined, trouble: "busy", linkDown: true, flowing: true, shown: true };
    expect(stateOf(facts as Parameters<typeof stateOf>[0])).toEqual({ state: "live", reason: "link_lost" });
  });
});

describe("what a viewer does by itself", () => {
  it("waits for an offline camera and opens when it comes back", async () => {
    await started();
    refuse("offline", { last_seen: "2026-11-21T12:00:00Z" });
    expect(viewer.view).toMatchObject({
      state: "waiting",
      reason: "offline",
      lastSeen: new Date("2026-11-21T12:00:00Z"),
    });
    await vi.advanceTimersByTimeAsync(15_000);
    expect(opens()).toHaveLength(1);
    hub.socket.send("presence", { device: "dev_2", status: "online", generation: 9 });
    hub.socket.send("presence", { device: "dev_1", status: "online", generation: 2 });
    await settle();
    expect(opens()).toHaveLength(2);
    expect(opens()[0]?.session).not.toBe(opens()[1]?.session);
  });

  it("learns what the camera is called", async () => {
    await started();
    hub.socket.send("presence", { device: "dev_1", name: "Front door", status: "online", generation: 3 });
    await settle();
    expect(viewer.view.name).toBe("Front door");
  });

  it("does not believe presence of an older generation", async () => {
    await started();
    hub.socket.send("presence", { device: "dev_1", status: "offline", generation: 5 });
    refuse("offline");
    hub.socket.send("presence", { device: "dev_1", status: "online", generation: 4 });
    await settle();
    expect(opens()).toHaveLength(1);
  });

  it.each<Reason | "full">(["device_left", "busy", "timeout", "unknown", "internal", "full"])(
    "tries again after %s",
    async (reason) => {
      await started();
      if (reason === "full") refuse("full");
      else {
        answerOpen();
        hub.socket.send("closed", { reason }, { session: opens()[0]?.session ?? "" });
      }
      expect(viewer.view).toMatchObject({ state: "waiting", reason });
      await vi.advanceTimersByTimeAsync(750);
      expect(opens()).toHaveLength(2);
      await live();
      expect(viewer.view).toMatchObject({ state: "live", reason: undefined });
    },
  );

  it.each<Reason>(["closed_by_api", "revoked", "quota", "codec"])("stops after %s", async (reason) => {
    await started();
    answerOpen();
    hub.socket.send("closed", { reason }, { session: opens()[0]?.session ?? "" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(viewer.view).toMatchObject({ state: "closed", reason });
    expect(opens()).toHaveLength(1);
    expect(FakePeer.newest.closed).toBe(true);
  });

  it("obeys the hub's retry time", async () => {
    await started();
    refuse("rate_limited", { retry_ms: 9000 });
    await vi.advanceTimersByTimeAsync(8999);
    expect(opens()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(opens()).toHaveLength(2);
  });

  it("waits on through a link that goes on, and opens with its unused grant", async () => {
    await started();
    refuse("rate_limited", { retry_ms: 9000 });
    hub.socket.drop();
    await vi.advanceTimersByTimeAsync(750);
    hub.greet({ resumed: true, received: 2, grant: "ff".repeat(16) });
    await settle();
    expect(opens()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(8250);
    expect(opens()).toHaveLength(2);
    expect(opens()[1]?.data.grant).toBe("ff".repeat(16));
  });

  it("learns from the snapshot that its session has ended", async () => {
    await started();
    await live();
    const session = opens()[0]?.session ?? "";
    hub.socket.send("snapshot", { sessions: [{ session, state: "ended", reason: "closed_by_api" }], presence: [] });
    expect(viewer.view).toMatchObject({ state: "closed", reason: "closed_by_api" });
  });
});

describe("tokens", () => {
  it("an expired session goes on with a new token on a new link", async () => {
    await started({ tokenProvider: () => "t-2" });
    answerOpen();
    hub.socket.send("closed", { reason: "expired" }, { session: opens()[0]?.session ?? "" });
    await settle();
    hub.greet();
    await settle();
    expect(hub.socket.of("hello")[0]?.data.token).toBe("t-2");
    expect(opens()).toHaveLength(2);
  });

  it("without a new token it is over", async () => {
    await started({ tokenProvider: () => Promise.reject(new Error("signed out")) });
    answerOpen();
    hub.socket.send("closed", { reason: "expired" }, { session: opens()[0]?.session ?? "" });
    await settle();
    expect(viewer.view).toMatchObject({ state: "closed", reason: "expired" });
  });

  it("a token that the hub refuses ends in the hub's words, and a better one begins again", async () => {
    viewer = new Viewer({ hub: new URL("https://hub.example"), device: "dev_1", token: "t-1" });
    viewer.start();
    hub.socket.open();
    hub.socket.send("error", { code: "bad_token", message: "" });
    hub.socket.drop(4500);
    await settle();
    expect(viewer.view).toMatchObject({ state: "closed", reason: "bad_token" });
    viewer.setToken("t-2");
    hub.greet();
    await settle();
    expect(hub.socket.of("hello")[0]?.data.token).toBe("t-2");
    expect(viewer.state).toBe("connecting");
  });

  it("leaving closes the session and says bye", async () => {
    await started();
    await live();
    viewer.stop();
    expect(hub.socket.of("close")[0]?.data).toEqual({ reason: "viewer_left" });
    expect(hub.socket.of("bye")).toHaveLength(1);
    expect(viewer.state).toBe("idle");
  });
});

describe("by the long poll", () => {
  it("a viewer hears what it is refused, waits for the camera, and opens again", async () => {
    localStorage.clear();
    const door = new PollDoor();
    door.receives = true;
    const link = { fallback: { failures: 1, remember: 0 } };
    viewer = new Viewer({ hub: new URL("https://hub.example"), device: "dev_1", token: "t-1", link });
    viewer.start();
    hub.socket.drop();
    await settle();
    await door.welcome();
    await settle();
    const sent = () => door.of("/v1/link/send").flatMap(({ body }) => body.messages ?? []);
    const asked = () => sent().filter(({ type }) => type === "open") as unknown as { id: number; session: string }[];
    expect(viewer.view).toMatchObject({ state: "connecting", transport: "long_poll", fallback: { reason: "unknown" } });
    const refuse = (code: string, seq: number) => {
      const { id, session } = asked().at(-1) ?? {};
      return door.deliver({ type: "error", seq, re: id, session, data: { code, message: "" } });
    };
    await refuse("full", 1);
    expect(viewer.view).toMatchObject({ state: "waiting", reason: "full" });
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked()).toHaveLength(2);
    await refuse("offline", 2);
    expect(viewer.view).toMatchObject({ state: "waiting", reason: "offline" });
    const presence = {
      device: "dev_1",
      status: "online",
      generation: 2,
      transport: "long_poll",
      fallback: { reason: "cut" },
    };
    await door.deliver({ type: "presence", data: presence });
    await settle();
    expect(asked()).toHaveLength(3);
    expect(viewer.view.deviceFallback).toEqual({ reason: "cut" });
  });
});
