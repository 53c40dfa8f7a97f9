import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Link } from "../src/link/link.ts";
import { longPoll } from "../src/link/longpoll.ts";
import type { LinkOptions } from "../src/link/options.ts";
import type { Envelope } from "../src/protocol/envelope.ts";
import type { Welcome } from "../src/protocol/handshake.ts";
import { PollDoor, settle } from "./fakes/door.ts";
import { Hub } from "./fakes/hub.ts";

const session = "0192f0c1-2b3c-7d4e-8f50-617283940a1b";
const owner = "ffeeddccbbaa99887766554433221100";
const open = { device: "dev_1", owner, media: { video: true } };
const candidate = { revision: 1, candidate: "candidate:1", mline: 0 };
const minute = 60_000;

let hub: Hub;
let door: PollDoor;
let links: Link[];
let ups: Welcome[];
let downs: number;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  localStorage.clear();
  hub = new Hub();
  door = new PollDoor();
  door.receives = true;
  links = [];
  ups = [];
  downs = 0;
});
afterEach(() => {
  for (const link of links) link.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function start(more: Partial<LinkOptions> = {}): Link {
  const link = hub.link({ doors: { websocket: hub.connect, long_poll: longPoll() }, ...more });
  links.push(link);
  link.events.on("up", (welcome) => ups.push(welcome));
  link.events.on("down", () => downs++);
  link.start();
  return link;
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
async function redialed(): Promise<void> {
  const before = hub.sockets.length;
  while (hub.sockets.length === before) await vi.advanceTimersToNextTimerAsync();
}
const polled = () => door.of("/v1/link/poll");
const hellos = () => door.of("/v1/link/send").filter(({ link }) => link === null);
const sent = () => door.of("/v1/link/send").flatMap(({ link, body }) => (link ? (body.messages ?? []) : []));
const fallbackOf = (hello: { body: { messages?: { data?: unknown }[] } } | undefined) =>
  (hello?.body.messages?.[0]?.data as { fallback?: unknown } | undefined)?.fallback;

/** Comes up by the long poll, after two WebSockets that failed. */
async function fallBack(more: Partial<LinkOptions> = {}, welcome: Partial<Welcome> = {}): Promise<Link> {
  const link = start(more);
  hub.socket.drop();
  await pass(750);
  hub.socket.drop();
  await pass(0);
  await door.welcome(welcome);
  return link;
}

/** Comes up by the WebSocket. */
function connect(more: Partial<LinkOptions> = {}): Link {
  const link = start(more);
  hub.greet();
  return link;
}

/** Keeps the long poll alive while time passes. */
async function wait(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 20_000) {
    await pass(Math.min(left, 20_000));
    if (links.at(-1)?.transport === "long_poll") await door.deliver();
  }
}

describe("a link whose WebSockets fail", () => {
  it("comes by the long poll after the second, at once, and says what it saw", async () => {
    const link = await fallBack();
    expect(hub.sockets).toHaveLength(2);
    expect(fallbackOf(hellos()[0])).toEqual({ reason: "unknown" });
    expect([link.status, link.transport, link.fallback]).toEqual(["up", "long_poll", { reason: "unknown" }]);
    expect(polled()[0]).toMatchObject({ link: "Link l-1.k-1", body: { received: 0, got: 1 } });
  });

  it("tells of sockets that open and stay silent", async () => {
    const link = start();
    hub.socket.open();
    await pass(5000);
    expect(hub.socket.closed).toBe(4012);
    await pass(750);
    hub.socket.open();
    await pass(5001);
    expect(fallbackOf(hellos()[0])).toMatchObject({ reason: "silent" });
    await door.welcome();
    expect(link.fallback?.reason).toBe("silent");
  });

  it("needs no ping while it polls, with a session or without", async () => {
    const link = await fallBack();
    link.hold({ id: session, receive: () => undefined, sync: () => ({ revision: 1 }), linkUp: () => undefined });
    await wait(10 * minute - 1);
    expect(sent().filter(({ type }) => type === "ping")).toEqual([]);
    expect(link.status).toBe("up");
  });

  it("stays with the WebSocket when the hub itself refused it", async () => {
    start();
    for (const wait of [750, 1250, 2250]) {
      hub.socket.open();
      hub.socket.send("error", { code: "rate_limited", message: "" });
      hub.socket.drop(4013);
      await pass(wait);
    }
    expect(hub.sockets).toHaveLength(4);
    expect(hellos()).toHaveLength(0);
  });

  it("takes turns while neither comes through, and looks for the WebSocket as soon as one does", async () => {
    const link = start();
    hub.socket.drop();
    await pass(750);
    for (let turn = 1; turn <= 3; turn++) {
      hub.socket.drop();
      await pass(0);
      expect(hellos()).toHaveLength(turn);
      await door.send.fail();
      expect(link.status).toBe("down");
      await redialed();
      expect(hub.sockets).toHaveLength(2 + turn);
    }
    hub.socket.drop();
    await pass(0);
    await door.welcome();
    await pass(0);
    expect(localStorage).toHaveLength(0);
    expect(hub.sockets).toHaveLength(6);
    hub.socket.drop();
    expect(localStorage).toHaveLength(1);
    expect(link.transport).toBe("long_poll");
  });

  it("waits as long as a hub says that takes nobody now, and does not blame the network", async () => {
    start();
    hub.socket.drop();
    await pass(750);
    hub.socket.drop();
    await pass(0);
    await door.send.answer(503, undefined, { "X-Sightline": "1", "Retry-After": "20" });
    await pass(19_999);
    expect(hub.sockets).toHaveLength(2);
    await pass(1);
    expect(hub.sockets).toHaveLength(3);
  });

  it("falls back when three in a row are cut soon after their welcome", async () => {
    const link = connect();
    for (let i = 1; i <= 2; i++) {
      hub.socket.drop();
      await redialed();
      hub.greet({ resumed: true });
    }
    hub.socket.drop();
    await pass(0);
    expect(hellos()).toHaveLength(1);
    expect(fallbackOf(hellos()[0])).toMatchObject({ reason: "cut" });
    await door.welcome({ resumed: true });
    expect(link.transport).toBe("long_poll");
    // One that is welcome again and cut again goes straight back.
    await wait(minute);
    hub.greet({ resumed: true, received: 1 });
    expect(link.transport).toBe("websocket");
    await pass(1000);
    hub.socket.drop();
    await pass(0);
    expect(hellos()).toHaveLength(2);
  });

  it.each([
    ["that the hub closes", 4001, 0],
    ["that lived for 30 s", 1006, 30_000],
  ])("counts no socket as cut %s", async (_, code, lived) => {
    connect();
    for (let i = 0; i < 4; i++) {
      for (let left = lived; left > 0; left -= 10_000) {
        await pass(10_000);
        hub.socket.send("ping", undefined);
      }
      hub.socket.drop(code);
      await redialed();
      hub.greet({ resumed: true });
    }
    expect(hellos()).toHaveLength(0);
  });

  it("does not blame a network on which a WebSocket has lived, and looks for it at once", async () => {
    const link = connect();
    for (let i = 0; i < 3; i++) {
      await pass(10_000);
      hub.socket.send("ping", undefined);
    }
    hub.socket.drop();
    for (let i = 0; i < 2; i++) {
      await redialed();
      hub.socket.drop();
    }
    await pass(1);
    await door.welcome({ resumed: true });
    expect(link.transport).toBe("long_poll");
    await pass(1);
    hub.greet({ resumed: true, received: 1 });
    expect(link.transport).toBe("websocket");
    expect(localStorage).toHaveLength(0);
  });

  it("ends for good with what the hub says by the long poll", async () => {
    const link = start();
    const stopped = vi.fn();
    link.events.on("stopped", stopped);
    hub.socket.drop();
    await pass(750);
    hub.socket.drop();
    await pass(0);
    await door.send.answer(410, { close: 4500, error: { code: "expired", message: "" } });
    expect(stopped).toHaveBeenCalledWith(expect.objectContaining({ code: "expired" }));
  });
});

describe("a link on the long poll", () => {
  it("looks for the WebSocket after 1, 5 and 15 minutes, and then every 15, beside what it has", async () => {
    const link = await fallBack();
    let probes = 2;
    for (const minutes of [1, 5, 15, 15]) {
      await wait(minutes * minute - 1);
      expect(hub.sockets).toHaveLength(probes);
      await pass(1);
      expect(hub.sockets).toHaveLength(++probes);
      hub.socket.open();
      await pass(5000);
      expect(hub.socket.closed).toBe(1000);
      await door.deliver();
    }
    expect([link.status, downs]).toEqual(["up", 2]);
    expect(hellos()).toHaveLength(1);
  });

  it("looks at once when the network is another one", async () => {
    await fallBack();
    window.dispatchEvent(new Event("online"));
    expect(hub.sockets).toHaveLength(3);
    window.dispatchEvent(new Event("online"));
    expect(hub.sockets).toHaveLength(3);
  });

  it("looks when the browser names another kind of network, not for another speed", async () => {
    const connection = Object.assign(new EventTarget(), { type: "wifi" });
    vi.stubGlobal("navigator", { connection });
    await fallBack();
    connection.dispatchEvent(new Event("change"));
    expect(hub.sockets).toHaveLength(2);
    connection.type = "cellular";
    connection.dispatchEvent(new Event("change"));
    expect(hub.sockets).toHaveLength(3);
  });

  it("moves to a WebSocket that is welcome, without a down, and leaves the poll after its first word there", async () => {
    const link = await fallBack();
    link.post({ type: "candidate", session, data: candidate });
    await wait(minute);
    hub.socket.open();
    expect(hub.socket.of("hello")[0]?.data).toMatchObject({ resume: { link: "l-1", key: "k-1", received: 0 } });
    expect(hub.socket.of("hello")[0]?.data.fallback).toBeUndefined();
    const before = downs;
    hub.socket.welcome({ resumed: true, received: 2 });
    expect([link.transport, link.fallback, downs]).toEqual(["websocket", undefined, before]);
    expect(hub.socket.received.slice(1)).toMatchObject([{ type: "ack" }]);
    expect(polled().at(-1)?.aborted()).toBe(true);
    await pass(minute);
    expect(localStorage).toHaveLength(0);
  });

  it("takes what the old door says until then, and nothing more after", async () => {
    const link = await fallBack();
    const got: Envelope[] = [];
    link.events.on("message", (message) => got.push(message));
    await wait(minute);
    hub.socket.open();
    await door.deliver({ type: "closed", seq: 1, session, data: { reason: "timeout" } });
    const { poll } = door;
    link.post({ type: "candidate", session, data: candidate });
    await settle();
    hub.socket.welcome({ resumed: true, received: 1 });
    expect(hub.socket.received.slice(1)).toMatchObject([{ type: "ack", ack: 1 }]);
    await poll.answer(200, {
      response: 4,
      messages: [{ type: "closed", seq: 2, session, data: { reason: "timeout" } }],
    });
    expect(got.filter(({ type }) => type === "closed")).toHaveLength(1);
    hub.socket.send("closed", { reason: "timeout" }, { session, seq: 2 });
    expect(got.filter(({ type }) => type === "closed")).toHaveLength(2);
  });

  it("replays what the hub lacks before all else", async () => {
    const link = await fallBack();
    door.receives = false;
    link.post({ type: "candidate", session, data: candidate });
    window.dispatchEvent(new Event("online"));
    hub.greet({ resumed: true, received: 1 });
    link.post({ type: "close", session, data: { reason: "viewer_left" } });
    expect(hub.socket.received.slice(1)).toMatchObject([
      { type: "candidate", seq: 2 },
      { type: "close", seq: 3 },
    ]);
  });

  it.each([
    ["when nothing was opened", false, "ab".repeat(16)],
    ["unless it may be used already", true, undefined],
  ])("takes the grant of the new door %s", async (_, opens, grant) => {
    const link = await fallBack();
    await wait(minute);
    hub.socket.open();
    if (opens) link.request({ type: "open", session, data: open }, () => undefined);
    hub.socket.welcome({ resumed: true, received: 1, grant: "ab".repeat(16) });
    expect(ups.at(-1)?.grant).toBe(grant);
  });

  it("keeps the poll when a WebSocket's welcome makes no sense, or says that a link is resumed that is another", async () => {
    const link = await fallBack();
    await wait(minute);
    hub.greet({ resumed: true, received: 0 });
    expect([hub.socket.closed, link.transport]).toEqual([1000, "long_poll"]);
    await wait(5 * minute);
    hub.greet({ resumed: true, received: 1, link: "l-9" });
    expect([hub.socket.closed, link.transport, link.status]).toEqual([1000, "long_poll", "up"]);
  });

  it("starts anew with a hub that could not resume it", async () => {
    const link = await fallBack();
    link.hold({ id: session, receive: () => undefined, sync: () => ({ revision: 3 }), linkUp: () => undefined });
    await wait(minute);
    hub.greet({ link: "l-2", key: "k-2", reason: "node_lost" });
    expect(link.transport).toBe("websocket");
    expect(hub.socket.of("sync")).toMatchObject([{ session, data: { revision: 3, last: true } }]);
  });

  it("comes back with its link by the same door", async () => {
    const link = await fallBack();
    await door.poll.answer(410, { close: 4001, error: { code: "unknown_link", message: "" } });
    expect(link.status).toBe("down");
    await pass(2250);
    expect(hellos()).toHaveLength(2);
    expect(hellos()[1]?.body.messages?.[0]?.data).toMatchObject({ resume: { link: "l-1" } });
    await door.welcome({ resumed: true, received: 1 });
    expect(link.transport).toBe("long_poll");
  });

  it("says bye when it is stopped, and its second carrier ends with it", async () => {
    const link = await fallBack();
    await wait(minute);
    link.stop();
    expect(sent().at(-1)).toEqual({ type: "bye" });
    expect(hub.socket.closed).toBe(1000);
    await pass(30 * minute);
    expect(hub.sockets).toHaveLength(3);
    expect(polled().at(-1)?.aborted()).toBe(true);
  });
});

describe("a network that is remembered", () => {
  it("begins with the long poll for a quarter of an hour, and looks for the WebSocket after a minute", async () => {
    const first = await fallBack();
    first.stop();
    const second = start();
    await settle();
    expect(hub.sockets).toHaveLength(2);
    expect(fallbackOf(hellos()[1])).toEqual({ reason: "unknown" });
    await door.welcome();
    await wait(minute);
    expect(hub.sockets).toHaveLength(3);
    second.stop();
    await pass(15 * minute);
    start();
    expect(hub.sockets).toHaveLength(4);
  });

  it("is one hub's, and one kind of network's", async () => {
    const connection = Object.assign(new EventTarget(), { type: "wifi" });
    vi.stubGlobal("navigator", { connection });
    (await fallBack()).stop();
    start({ hub: new URL("https://other.example") }).stop();
    expect(hub.sockets).toHaveLength(3);
    connection.type = "cellular";
    start().stop();
    expect(hub.sockets).toHaveLength(4);
    connection.type = "wifi";
    start();
    expect(hub.sockets).toHaveLength(4);
  });

  it("is one of sixteen", async () => {
    for (let i = 0; i < 20; i++) (await fallBack({ hub: new URL(`https://h${i}.example`) })).stop();
    expect(JSON.parse(localStorage.getItem("sightline:networks") ?? "")).toHaveLength(16);
  });

  it.each(["{", "7", '[{"network":"https://hub.example ","until":"x"}]', '[null,{"network":1}]'])(
    "is none when the storage has been written by others: %s",
    (raw) => {
      localStorage.setItem("sightline:networks", raw);
      start();
      expect(hub.sockets).toHaveLength(1);
    },
  );

  it("is not needed: a browser without storage falls back all the same", async () => {
    vi.stubGlobal("localStorage", {
      getItem: () => {
        throw new DOMException("denied", "SecurityError");
      },
      setItem: () => {
        throw new DOMException("denied", "SecurityError");
      },
      clear: () => undefined,
    });
    const link = await fallBack();
    expect(link.transport).toBe("long_poll");
  });
});

describe("a page of the hub's own origin", () => {
  const page = (hub: string) => ({ hub: new URL(hub) });

  it.each([
    [200, { "Content-Type": "text/html" }, { reason: "captive_portal", detail: "HTTP 200" }],
    [
      403,
      { "Content-Type": "text/html", Server: "nginx/1.18" },
      { reason: "status", detail: "HTTP 403 from nginx/1.18" },
    ],
    [426, { "X-Sightline": "1" }, { reason: "unknown" }],
  ])("asks who answers for the hub: %d", async (status, headers, fallback) => {
    start(page(location.origin === "null" ? "https://hub.example" : location.origin));
    hub.socket.drop();
    const asked = door.of("/v1/link");
    expect(asked).toHaveLength(1);
    await asked[0]?.answer(status, {}, headers as Record<string, string>);
    await pass(750);
    hub.socket.drop();
    await pass(0);
    expect(fallbackOf(hellos()[0])).toEqual(fallback);
  });
});
