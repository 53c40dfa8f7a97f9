import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Link } from "../src/link/link.ts";
import type { Holder } from "../src/link/options.ts";
import type { Envelope } from "../src/protocol/envelope.ts";
import type { Sync } from "../src/protocol/session.ts";
import { Hub } from "./fakes/hub.ts";

const session = "0192f0c1-2b3c-7d4e-8f50-617283940a1b";
const numbered = (i: number) => session.replace("0a1b", i.toString(16).padStart(4, "0"));
const owner = "ffeeddccbbaa99887766554433221100";
const open = { device: "dev_1", owner, media: { video: true } };
const candidate = { revision: 1, candidate: "candidate:1", mline: 0 };

let hub: Hub;
let link: Link;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  hub = new Hub();
  link = hub.link();
  link.start();
});
afterEach(() => {
  link.stop();
  vi.useRealTimers();
});

function hold(id: string, sync: () => Sync = () => ({ revision: 1, owner })): () => void {
  const held: Holder = { id, receive: () => undefined, sync, linkUp: () => undefined };
  return link.hold(held);
}

/** Loses the socket and opens the next one, as far as the client's hello. */
function reconnect(wait = 750): Envelope<"hello">["data"] | undefined {
  hub.socket.drop();
  vi.advanceTimersByTime(wait);
  hub.socket.open();
  return hub.socket.of("hello")[0]?.data;
}

const types = () => hub.socket.received.slice(1).map(({ type }) => type);

describe("a link that goes on", () => {
  it("replays the rest, repairs nothing and keeps its requests waiting", () => {
    hub.greet();
    hold(session);
    const answers: Envelope[] = [];
    link.request({ type: "open", session, data: open }, (answer) => answers.push(answer));
    hub.socket.send("reply", {}, { re: 99 });
    hub.socket.send("ping", undefined, { ack: 1 });
    expect(reconnect()?.resume).toEqual({ link: "l-1", key: "k-1", received: 1 });
    link.post({ type: "candidate", session, data: candidate });
    hub.socket.welcome({ resumed: true, received: 1 });
    expect(hub.socket.received.slice(1)).toMatchObject([
      { type: "open", seq: 2, id: 1, ack: 1 },
      { type: "candidate", seq: 3 },
    ]);
    hub.socket.send("reply", {}, { re: 99, seq: 1 });
    hub.socket.send("reply", {}, { re: 1, seq: 2 });
    expect(answers).toMatchObject([{ re: 1 }]);
  });

  it("names itself on every socket, however many break", () => {
    hub.greet();
    for (const wait of [750, 1250, 2250]) {
      expect(reconnect(wait)?.resume).toEqual({ link: "l-1", key: "k-1", received: 0 });
    }
    hub.socket.welcome({ resumed: true, received: 1 });
    expect(types()).toEqual(["ack"]);
  });

  it("names the new link when the hub gave it one", () => {
    hub.greet();
    reconnect();
    hub.socket.welcome({ link: "l-2", key: "k-2", reason: "expired" });
    expect(reconnect(1250)?.resume).toMatchObject({ link: "l-2", key: "k-2", received: 0 });
  });

  it("goes on with a repair that a lost socket interrupted", () => {
    hub.greet();
    for (let i = 0; i < 200; i++) hold(numbered(i));
    reconnect();
    hub.socket.welcome({ reason: "node_lost" });
    expect(hub.socket.of("sync")).toHaveLength(128);
    reconnect(1250);
    hub.socket.welcome({ resumed: true, received: 128 });
    expect(hub.socket.of("sync")).toHaveLength(72);
    expect(hub.socket.of("sync").at(-1)).toMatchObject({ seq: 200, session: numbered(199), data: { last: true } });
  });

  it.each([
    ["has what was never sent", { resumed: true, received: 9 }],
    ["lost what it had acknowledged", { resumed: true, received: 0 }],
    ["resumes a link of somebody else", { resumed: true, received: 1, link: "l-9" }],
  ])("starts anew with a hub that %s", (_, welcome) => {
    hub.greet();
    hub.socket.send("ping", undefined, { ack: 1 });
    reconnect();
    const up = vi.fn();
    link.events.on("up", up);
    hub.socket.welcome(welcome);
    expect(hub.socket.closed).toBe(4510);
    expect(up).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2250);
    hub.socket.open();
    expect(hub.socket.of("hello")[0]?.data.resume).toBeUndefined();
  });

  it("starts anew with a hub that acknowledges more than was sent", () => {
    hub.greet();
    hub.socket.send("pong", undefined, { ack: 2 });
    expect(hub.socket.closed).toBe(4510);
    vi.advanceTimersByTime(750);
    hub.socket.open();
    expect(hub.socket.of("hello")[0]?.data.resume).toBeUndefined();
  });
});

describe("a link that starts anew", () => {
  it.each(["new", "expired", "overflow", "node_lost", "superseded", "of a later version"])(
    "repairs its sessions, whatever the reason: %s",
    (reason) => {
      hub.greet();
      hold(session);
      link.post({ type: "candidate", session, data: candidate });
      reconnect();
      hub.socket.welcome({ reason });
      expect(hub.socket.received.slice(1)).toEqual([
        { type: "sync", seq: 1, session, data: { revision: 1, owner, last: true } },
      ]);
    },
  );

  it("syncs a session before it extends or closes it, and opens without", () => {
    hub.greet();
    const release = hold(session);
    hold(numbered(1));
    hold(numbered(2));
    link.request({ type: "extend", session: numbered(1), data: {} }, () => undefined);
    release();
    link.close(session, "viewer_left", owner);
    link.request({ type: "open", session: numbered(2), data: open }, () => undefined);
    reconnect();
    hub.socket.welcome({ reason: "node_lost", grant: "ab".repeat(16) });
    expect(hub.socket.received.slice(1)).toMatchObject([
      { type: "sync", session: numbered(1) },
      { type: "extend", session: numbered(1) },
      { type: "sync", session, data: { revision: 0, owner } },
      { type: "close", session },
      { type: "open", session: numbered(2), data: { grant: "ab".repeat(16) } },
      { type: "sync", session: numbered(2), data: { last: true } },
    ]);
    expect(hub.socket.of("sync").filter(({ data }) => data.last)).toHaveLength(1);
  });

  it("keeps that order whatever is posted as soon as it is up", () => {
    hub.greet();
    hold(session);
    link.request({ type: "extend", session, data: {} }, () => undefined);
    link.events.on("up", () => link.request({ type: "open", session: numbered(1), data: open }, () => undefined));
    reconnect();
    hub.socket.welcome({ reason: "node_lost" });
    expect(types()).toEqual(["sync", "extend", "open"]);
  });

  it("says what is true when a sync's turn comes, and nothing of sessions that are over", () => {
    hub.greet();
    let revision = 1;
    const releases = Array.from({ length: 130 }, (_, i) => hold(numbered(i), () => ({ revision, owner })));
    reconnect();
    hub.socket.welcome({ reason: "node_lost" });
    revision = 2;
    releases[129]?.();
    link.close(numbered(129), "viewer_left", owner);
    hub.socket.send("pong", undefined, { ack: 128 });
    expect(hub.socket.received.slice(-3)).toMatchObject([
      { type: "sync", session: numbered(128), data: { revision: 2 } },
      { type: "sync", session: numbered(129), data: { revision: 0, owner, last: true } },
      { type: "close", session: numbered(129) },
    ]);
  });

  it("an error about one session is no fault of the link", () => {
    hub.greet();
    hub.socket.send("error", { code: "conflict", message: "", retry_ms: 60_000 }, { session });
    reconnect();
    expect(hub.sockets).toHaveLength(2);
  });
});

describe("a link whose queue is full", () => {
  const post = (n: number) => {
    for (let i = 0; i < n; i++) link.post({ type: "candidate", session, data: candidate });
  };

  it("starts anew without a socket, and repairs by sync what it dropped", () => {
    hub.greet();
    hold(session);
    hub.socket.send("pong", undefined, { ack: 1 });
    const answer = vi.fn();
    link.request({ type: "extend", session, data: {} }, answer);
    hub.socket.drop();
    link.close(numbered(1), "viewer_left", owner);
    post(300);
    vi.advanceTimersByTime(750);
    hub.socket.open();
    expect(hub.socket.of("hello")[0]?.data.resume).toBeUndefined();
    hub.socket.welcome();
    expect(types()).toEqual(["sync", "extend", "sync", "close"]);
    hub.socket.send("reply", {}, { re: 1 });
    expect(answer).toHaveBeenCalledTimes(1);
  });

  it("does not wait for a resume that it has asked for", () => {
    hub.greet();
    reconnect();
    post(257);
    expect(hub.socket.closed).toBe(4008);
    vi.advanceTimersByTime(1250);
    hub.socket.open();
    expect(hub.socket.of("hello")[0]?.data.resume).toBeUndefined();
  });

  it("leaves a hub that acknowledges nothing", () => {
    hub.greet();
    post(256);
    expect(hub.socket.closed).toBe(4008);
    expect(link.status).toBe("down");
  });

  it("keeps the newest closes and drops the rest, which end without media", () => {
    hub.greet();
    hub.socket.drop();
    for (let i = 0; i < 1000; i++) link.close(numbered(i), "viewer_left", owner);
    vi.advanceTimersByTime(750);
    hub.greet();
    const closed = () => hub.sockets.flatMap((socket) => socket.of("close"));
    for (let i = 0; i < 8; i++) hub.socket.send("pong", undefined, { ack: hub.socket.received.at(-1)?.seq ?? 0 });
    expect(closed().length).toBeGreaterThanOrEqual(128);
    expect(closed().length).toBeLessThanOrEqual(256);
    expect(closed().at(-1)?.session).toBe(numbered(999));
    expect(link.status).toBe("up");
  });
});

describe("a page that wakes", () => {
  const event = (type: string) => window.dispatchEvent(new Event(type));

  it.each(["online", "offline", "pageshow"])("asks at once whether its socket lives: %s", (type) => {
    hub.greet();
    event(type);
    event(type);
    expect(types()).toEqual(["sync", "ping"]);
    hub.socket.send("pong", undefined);
    vi.advanceTimersByTime(10_000);
    expect(link.status).toBe("up");
  });

  it.each(["visibilitychange", "resume"])("asks when the document says so: %s", (type) => {
    hub.greet();
    document.dispatchEvent(new Event(type));
    expect(hub.socket.of("ping")).toHaveLength(1);
  });

  it("replaces a dead socket after 3 s, at once, and goes on", () => {
    hub.greet();
    hub.socket.send("pong", undefined, { ack: 1 });
    link.post({ type: "candidate", session, data: candidate });
    event("online");
    vi.advanceTimersByTime(3000);
    expect(hub.socket.closed).toBe(4012);
    vi.advanceTimersByTime(1);
    expect(hub.sockets).toHaveLength(2);
    hub.greet({ resumed: true, received: 1 });
    expect(types()).toEqual(["candidate"]);
  });

  it("replaces at once a socket that the browser closes on waking", () => {
    hub.greet();
    vi.advanceTimersByTime(5000);
    event("pageshow");
    hub.socket.drop();
    vi.advanceTimersByTime(0);
    expect(hub.sockets).toHaveLength(2);
    vi.advanceTimersByTime(1000);
    hub.socket.drop();
    vi.advanceTimersByTime(749);
    expect(hub.sockets).toHaveLength(2);
  });

  it("believes a socket that speaks after hours of sleep", () => {
    hub.greet();
    vi.setSystemTime(Date.now() + 7_200_000);
    event("pageshow");
    expect(link.status).toBe("up");
    expect(hub.socket.of("ping")).toHaveLength(1);
    hub.socket.send("pong", undefined);
    vi.advanceTimersByTime(3000);
    expect(link.status).toBe("up");
  });

  it("notices its sleep without an event, by a timer that comes late", () => {
    hub.greet();
    vi.setSystemTime(Date.now() + 7_200_000);
    vi.advanceTimersByTime(20_000);
    expect(link.status).toBe("up");
    expect(hub.socket.of("ping")).toHaveLength(1);
    vi.advanceTimersByTime(3000);
    expect(link.status).toBe("down");
    vi.advanceTimersByTime(1);
    expect(hub.sockets).toHaveLength(2);
  });

  it("lives on in the background, where timers come once a minute, while the hub is heard", () => {
    hub.greet();
    for (let minute = 0; minute < 5; minute++) {
      for (const _ of "123456") {
        vi.setSystemTime(Date.now() + 10_000);
        hub.socket.send("ping", undefined);
      }
      vi.advanceTimersToNextTimer();
    }
    expect([link.status, hub.sockets.length]).toEqual(["up", 1]);
  });

  it("gives up a socket that hangs in its opening", () => {
    vi.advanceTimersByTime(2999);
    event("online");
    expect(hub.sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    event("online");
    expect(hub.sockets).toHaveLength(2);
    expect(hub.sockets[0]?.closed).toBe(1000);
  });
});
