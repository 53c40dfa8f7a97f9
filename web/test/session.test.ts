import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Link } from "../src/link/link.ts";
import type { SessionEnd, SessionOptions } from "../src/session/options.ts";
import { sessionID } from "../src/session/random.ts";
import { rightsOf } from "../src/session/rights.ts";
import { Session } from "../src/session/session.ts";
import { grant, Hub } from "./fakes/hub.ts";
import { FakePeer, fakeRTC } from "./fakes/rtc.ts";

const servers = [{ urls: ["stun:192.0.2.1:3478"] }, { urls: ["turn:192.0.2.1:3478"], username: "u", credential: "c" }];
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

let hub: Hub;
let link: Link;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  fakeRTC();
  hub = new Hub();
  link = hub.link();
  link.start();
  hub.greet();
});
afterEach(() => {
  link.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Gives promises their turn without letting time pass. */
const settle = () => vi.advanceTimersByTimeAsync(0);

async function opened(options: Partial<SessionOptions> = {}, expires = inAnHour()) {
  const session = new Session(link, { device: "dev_1", ...options });
  const ends: SessionEnd[] = [];
  session.events.on("ended", (end) => ends.push(end));
  void session.open(servers, grant);
  await settle();
  hub.socket.send(
    "opened",
    { policy: { path: "prefer_direct", relay_delay_ms: 0, expires }, expires },
    { re: hub.socket.of("open").at(-1)?.id ?? 0, session: session.id },
  );
  const tell = {
    answer: (revision = 1) =>
      hub.socket.send("describe", { revision, kind: "answer", sdp: "answer" }, { session: session.id }),
    candidate: (candidate: string, revision = 1) =>
      hub.socket.send("candidate", { revision, candidate, mid: "0", mline: 0 }, { session: session.id }),
  };
  return { session, ends, tell, peer: FakePeer.newest };
}

describe("opening", () => {
  it("sends the offer with open and gathers with the hub's servers", async () => {
    const { session, peer } = await opened({ audio: true });
    expect(hub.socket.of("open")[0]).toMatchObject({
      session: session.id,
      id: 1,
      data: {
        device: "dev_1",
        grant,
        owner: expect.stringMatching(/^[0-9a-f]{32}$/),
        media: { video: true, audio: true },
        offer: { revision: 1, sdp: "v=0\r\na=ice-ufrag:u1\r\n" },
        trickle: true,
      },
    });
    expect(peer.sections).toEqual(["video recvonly", "audio recvonly", "channel control"]);
    expect(peer.configuration.iceServers).toEqual(servers);
    expect(peer.local).toContain("u1");
  });

  it("uses relays only when asked to, and when the policy says so", async () => {
    expect((await opened({ relayOnly: true })).peer.configuration.iceTransportPolicy).toBe("relay");
    const { session, peer } = await opened();
    expect(peer.configuration.iceTransportPolicy).toBe("all");
    const policy = { path: "relay_only", relay_delay_ms: 0, expires: inAnHour() } as const;
    hub.socket.send("policy", policy, { session: session.id });
    await settle();
    expect(peer.configuration.iceTransportPolicy).toBe("relay");
    expect(hub.socket.of("describe").at(-1)?.data).toMatchObject({ revision: 2, kind: "offer" });
  });

  it("leaves relays out when the policy is direct only", async () => {
    const { session, peer } = await opened();
    const policy = { path: "direct_only", relay_delay_ms: 0, expires: inAnHour() } as const;
    hub.socket.send("policy", policy, { session: session.id });
    expect(peer.configuration.iceServers).toEqual(servers.slice(0, 1));
  });

  it("ends with the typed error that refuses it", async () => {
    const session = new Session(link, { device: "dev_1" });
    const ended = vi.fn();
    session.events.on("ended", ended);
    void session.open(servers, grant);
    await settle();
    const error = { code: "offline", message: "", last_seen: "2026-11-21T12:00:00Z" };
    hub.socket.send("error", error, { re: 1, session: session.id });
    expect(ended).toHaveBeenCalledWith({ reason: "offline", error: expect.objectContaining({ code: "offline" }) });
    expect(hub.socket.of("close")).toHaveLength(0);
    expect(FakePeer.newest.closed).toBe(true);
  });

  it("ends when no answer comes in 15 s", async () => {
    const { ends } = await opened();
    for (let i = 0; i < 3; i++) {
      hub.socket.send("ping", undefined);
      await vi.advanceTimersByTimeAsync(5000);
    }
    expect(ends).toEqual([{ reason: "timeout" }]);
    expect(hub.socket.of("close")[0]?.data).toEqual({ reason: "timeout" });
  });
});

describe("descriptions and candidates", () => {
  it("keeps candidates that come before the answer, in order, once each", async () => {
    const { tell, peer } = await opened();
    tell.candidate("a");
    tell.candidate("b");
    tell.candidate("a");
    await settle();
    expect(peer.added).toEqual([]);
    tell.answer();
    await settle();
    tell.candidate("c");
    expect(peer.remote).toBe("answer");
    expect(peer.added.map(({ candidate }) => candidate)).toEqual(["a", "b", "c"]);
  });

  it("bounds the candidates that wait", async () => {
    const { tell, peer } = await opened();
    for (let i = 0; i < 100; i++) tell.candidate(`c${i}`);
    tell.answer();
    await settle();
    expect(peer.added).toHaveLength(64);
  });

  it("drops what bears another revision, and a second answer", async () => {
    const { tell, peer, session } = await opened();
    tell.answer(2);
    tell.candidate("x", 2);
    await settle();
    expect(peer.remote).toBeUndefined();
    tell.answer();
    hub.socket.send("describe", { revision: 1, kind: "answer", sdp: "other" }, { session: session.id });
    await settle();
    expect(peer.remote).toBe("answer");
    expect(peer.added).toEqual([]);
  });

  it("trickles its own candidates and says when they end, once", async () => {
    const { peer } = await opened();
    peer.gather("candidate:1");
    peer.iceGatheringState = "complete";
    peer.onicecandidate?.({ candidate: null });
    peer.onicecandidate?.({ candidate: null });
    expect(hub.socket.of("candidate").map(({ data }) => data)).toEqual([
      { revision: 1, candidate: "candidate:1", mid: "0", mline: 0, ufrag: "u1" },
      { revision: 1, candidate: "", mline: 0 },
    ]);
  });

  it("offers again when the device asks for a restart", async () => {
    const { session } = await opened();
    hub.socket.send("describe", { revision: 1, kind: "restart" }, { session: session.id });
    await settle();
    expect(hub.socket.of("describe")[0]?.data).toMatchObject({ revision: 2, kind: "offer" });
  });
});

describe("signaling that takes seconds", () => {
  /** Lets time pass on a link that is alive. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      hub.socket.send("ping", undefined);
      await vi.advanceTimersByTimeAsync(Math.min(left, 500));
    }
  };
  const offers = () => hub.socket.of("describe").length;

  it("gives a restart as much more time as its answer took, and its candidates after it", async () => {
    const { peer, tell, ends } = await opened();
    await pass(7000);
    tell.answer();
    peer.ice("failed");
    await pass(500);
    expect(offers()).toBe(1);
    await pass(7000);
    tell.answer(2);
    await settle();
    expect(peer.remote).toBe("answer");
    await pass(12_500);
    expect(offers()).toBe(1);
    peer.ice("connected");
    await pass(30_000);
    expect(offers()).toBe(1);
    expect(ends).toEqual([]);
  });

  it("learns from an answer that comes after the next offer", async () => {
    const { peer, tell } = await opened();
    tell.answer();
    peer.ice("connected");
    peer.ice("failed");
    await pass(7500);
    expect(offers()).toBe(2);
    tell.answer(2);
    await pass(7500);
    expect(offers()).toBe(2);
    tell.answer(3);
    await pass(1000);
    peer.ice("connected");
    await pass(30_000);
    expect(offers()).toBe(2);
  });

  it("does not follow a wish for a restart that was on its way when ICE connected", async () => {
    const { session, peer, tell } = await opened();
    const ask = () => hub.socket.send("describe", { revision: 1, kind: "restart" }, { session: session.id });
    await pass(6000);
    tell.answer();
    peer.ice("connected");
    await pass(4000);
    ask();
    await settle();
    expect(offers()).toBe(0);
    await pass(3000);
    ask();
    await settle();
    expect(offers()).toBe(1);
  });

  it("does not follow a wish for a restart that was made before its newest offer was known", async () => {
    const { session, peer, tell } = await opened();
    tell.answer();
    peer.ice("failed");
    await pass(500);
    hub.socket.send("describe", { revision: 1, kind: "restart" }, { session: session.id });
    await settle();
    expect(offers()).toBe(1);
  });

  it("takes a restart beside a connection that works for done", async () => {
    const { session, peer, tell, ends } = await opened();
    tell.answer();
    peer.ice("connected");
    await pass(1000);
    hub.socket.send("describe", { revision: 1, kind: "restart" }, { session: session.id });
    await settle();
    tell.answer(2);
    await pass(60_000);
    expect(offers()).toBe(1);
    expect(ends).toEqual([]);
  });
});

describe("media", () => {
  it("tells the path when it is chosen and when it changes", async () => {
    const { peer } = await opened();
    peer.measure(0);
    peer.ice("connected");
    await vi.advanceTimersByTimeAsync(1000);
    peer.measure(0, "relay");
    await vi.advanceTimersByTimeAsync(1000);
    expect(hub.socket.of("path").map(({ data }) => [data.kind, data.means, data.local])).toEqual([
      ["direct", "ice", "host"],
      ["relay", "relay", "relay"],
    ]);
    expect(hub.socket.of("path")[0]?.data).toMatchObject({ remote: "host", protocol: "udp", rtt_ms: 12 });
  });

  it("reports every 10 s while frames flow, and notices when they stop", async () => {
    const { session, peer, tell } = await opened();
    const flowing = vi.fn();
    session.events.on("flowing", flowing);
    tell.answer();
    peer.ice("connected");
    for (let second = 1; second <= 20; second++) {
      peer.measure(second * 30);
      hub.socket.send("ping", undefined);
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(hub.socket.of("stats").map(({ data }) => data.media)).toEqual([true, true]);
    expect(flowing.mock.calls).toEqual([[true]]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(flowing.mock.calls).toEqual([[true], [false]]);
  });

  it("restarts ICE when it fails, waits longer each time, and gives up in the end", async () => {
    const { peer, tell, ends } = await opened();
    tell.answer();
    peer.ice("failed");
    const offers: number[] = [];
    for (let ms = 0; ms < 40_000; ms += 500) {
      await vi.advanceTimersByTimeAsync(500);
      if (link.status === "up") hub.socket.send("ping", undefined);
      offers.push(hub.socket.of("describe").length);
    }
    expect(Math.max(...offers)).toBe(4);
    expect(ends).toEqual([{ reason: "ice_failed" }]);
  });

  it("says that the plan is used up when that is why there is no way", async () => {
    const { session, peer, tell, ends } = await opened();
    const policy = { path: "direct_only", quota: true, relay_delay_ms: 0, expires: inAnHour() } as const;
    hub.socket.send("policy", policy, { session: session.id });
    tell.answer();
    peer.ice("failed");
    for (let ms = 0; ms < 40_000; ms += 500) {
      await vi.advanceTimersByTimeAsync(500);
      if (link.status === "up") hub.socket.send("ping", undefined);
    }
    expect(ends).toEqual([{ reason: "quota" }]);
  });
});

describe("without the link", () => {
  it("a connected peer goes on, and its state is repaired afterwards", async () => {
    const { session, peer, tell, ends } = await opened();
    tell.answer();
    peer.gather("candidate:1");
    peer.measure(30);
    peer.ice("connected");
    await settle();
    hub.socket.drop();
    await vi.advanceTimersByTimeAsync(750);
    hub.greet({ reason: "node_lost" });
    expect(peer.closed).toBe(false);
    expect(ends).toEqual([]);
    expect(hub.socket.of("sync")).toMatchObject([
      {
        session: session.id,
        data: {
          revision: 1,
          description: { revision: 1, kind: "offer" },
          candidates: [{ candidate: "candidate:1" }],
          path: { kind: "direct" },
          ice_connected: true,
          owner: expect.stringMatching(/^[0-9a-f]{32}$/),
          last: true,
        },
      },
    ]);
  });

  it.each([
    ["resumed", { resumed: true, received: 1 }],
    ["begun anew", { reason: "node_lost" }],
  ])("a picture is not touched by a link that is %s", async (_, welcome) => {
    const { session, peer, tell, ends } = await opened();
    const servers = [{ urls: ["turn:192.0.2.9:3478"], username: "next", credential: "c" }];
    tell.answer();
    peer.measure(30);
    peer.ice("connected");
    await settle();
    hub.socket.send("pong", undefined, { ack: 1 });
    const { configuration, local } = peer;
    const flowing = vi.fn();
    session.events.on("flowing", flowing);
    hub.socket.drop();
    peer.gather("candidate:late");
    peer.measure(60);
    await vi.advanceTimersByTimeAsync(750);
    hub.greet({ ...welcome, grant: "ff".repeat(16), ice_servers: servers });
    hub.socket.send("snapshot", { sessions: [], presence: [] });
    await settle();
    expect([peer.closed, peer.local, peer.configuration]).toEqual([false, local, configuration]);
    expect([ends, flowing.mock.calls]).toEqual([[], []]);
    expect(FakePeer.all).toHaveLength(1);
  });

  it("a link that goes on replays what was said and repairs nothing", async () => {
    const { session, peer, tell } = await opened();
    tell.answer();
    hub.socket.send("pong", undefined, { ack: 2 });
    peer.gather("candidate:1");
    hub.socket.drop();
    peer.gather("candidate:2");
    await vi.advanceTimersByTimeAsync(750);
    hub.greet({ resumed: true, received: 2 });
    await settle();
    expect(hub.socket.received.slice(1)).toMatchObject([
      { type: "candidate", seq: 3, session: session.id, data: { candidate: "candidate:1" } },
      { type: "candidate", seq: 4, session: session.id, data: { candidate: "candidate:2" } },
    ]);
  });

  it("an open that is sent again gathers with the new link's grant, one that is replayed keeps its own", async () => {
    const next = [{ urls: ["turn:192.0.2.9:3478"], username: "next", credential: "c" }];
    const session = new Session(link, { device: "dev_1" });
    const peer = FakePeer.newest;
    void session.open(servers, grant);
    await settle();
    hub.socket.drop();
    await vi.advanceTimersByTimeAsync(750);
    hub.greet({ resumed: true, grant: "ee".repeat(16), ice_servers: next });
    await settle();
    expect(hub.socket.of("open")[0]?.data.grant).toBe(grant);
    expect([peer.configuration.iceServers, peer.local]).toEqual([servers, "v=0\r\na=ice-ufrag:u1\r\n"]);
    hub.socket.drop();
    await vi.advanceTimersByTimeAsync(1250);
    hub.greet({ reason: "expired", grant: "ff".repeat(16), ice_servers: next });
    await settle();
    expect(hub.socket.of("open")[0]?.data.grant).toBe("ff".repeat(16));
    expect(peer.configuration.iceServers).toEqual(next);
    expect(hub.socket.of("describe")[0]?.data).toMatchObject({ revision: 2, kind: "offer" });
    expect(hub.socket.received.map(({ type }) => type)).toEqual(["hello", "open", "sync", "describe"]);
  });

  it("a close that the hub never had is sent again behind the proof that it may be", async () => {
    const { session, tell } = await opened();
    tell.answer();
    const { owner } = hub.socket.of("open")[0]?.data ?? {};
    hub.socket.drop();
    session.close("viewer_left");
    for (const wait of [750, 1250]) {
      await vi.advanceTimersByTimeAsync(wait);
      hub.greet({ reason: "node_lost" });
      expect(hub.socket.received.slice(1)).toEqual([
        { type: "sync", seq: 1, session: session.id, data: { revision: 0, owner, last: true } },
        { type: "close", seq: 2, session: session.id, data: { reason: "viewer_left" } },
      ]);
      hub.socket.drop();
    }
    await vi.advanceTimersByTimeAsync(2250);
    hub.greet();
    hub.socket.send("pong", undefined, { ack: 2 });
    hub.socket.drop();
    await vi.advanceTimersByTimeAsync(4250);
    hub.greet();
    expect(hub.socket.received.slice(1)).toEqual([{ type: "sync", seq: 1, data: { revision: 0, last: true } }]);
  });

  it("takes what it lacks from a sync and answers it once", async () => {
    const { session, peer } = await opened();
    const description = { revision: 1, kind: "answer", sdp: "answer" } as const;
    const candidates = [{ revision: 1, candidate: "a", mid: "0", mline: 0 }];
    hub.socket.send("sync", { revision: 1, description, candidates }, { session: session.id });
    hub.socket.send("sync", { revision: 1, description, candidates, answer: true }, { session: session.id });
    await settle();
    expect(peer.remote).toBe("answer");
    expect(peer.added).toHaveLength(1);
    expect(hub.socket.of("sync").filter(({ data }) => data.answer)).toHaveLength(1);
  });

  it("waits with a restart until the link is back", async () => {
    const { peer, tell } = await opened();
    tell.answer();
    peer.ice("connected");
    hub.socket.drop();
    peer.ice("failed");
    await vi.advanceTimersByTimeAsync(750);
    expect(peer.local).toContain("u1");
    hub.greet();
    await settle();
    expect(hub.socket.of("describe")[0]?.data).toMatchObject({ revision: 2, kind: "offer" });
  });
});

describe("the end", () => {
  it("closed stops the picture at once", async () => {
    const { session, peer, ends } = await opened();
    hub.socket.send("closed", { reason: "closed_by_api" }, { session: session.id });
    expect(peer.closed).toBe(true);
    expect(ends).toEqual([{ reason: "closed_by_api" }]);
    expect(hub.socket.of("close")).toHaveLength(0);
  });

  it("extends its lease with a fresh token, and ends when it passes", async () => {
    const expires = new Date(Date.now() + 10_000).toISOString();
    const { tell, ends } = await opened({ freshToken: async () => "t-2" }, expires);
    tell.answer();
    await vi.advanceTimersByTimeAsync(8000);
    const extend = hub.socket.of("extend")[0];
    expect(extend?.data).toEqual({ token: "t-2" });
    hub.socket.send("reply", { expires: new Date(Date.now() + 10_000).toISOString() }, { re: extend?.id ?? 0 });
    await vi.advanceTimersByTimeAsync(9999);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual([{ reason: "expired" }]);
  });
});

describe("identity", () => {
  it("session ids are UUIDs of version 7 in the order of time", () => {
    const now = Date.UTC(2026, 10, 21);
    expect(sessionID(now)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(sessionID(now) < sessionID(now + 1)).toBe(true);
    expect(Number.parseInt(sessionID(now).replace("-", "").slice(0, 12), 16)).toBe(now);
  });

  it("a token's rights are read from it, and any other text counts as view", () => {
    const body = btoa(JSON.stringify({ grants: ["view", "audio", "fly"] }));
    expect(rightsOf(`h.${body}.s`)).toEqual(["view", "audio"]);
    for (const token of ["", "x", "a.b.c", `h.${btoa("null")}.s`]) expect(rightsOf(token)).toEqual(["view"]);
  });
});
