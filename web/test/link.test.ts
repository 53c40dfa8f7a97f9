import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Link } from "../src/link/link.ts";
import type { Holder } from "../src/link/options.ts";
import { linkURL } from "../src/link/websocket.ts";
import type { Envelope } from "../src/protocol/envelope.ts";
import type { Sync } from "../src/protocol/session.ts";
import { Hub } from "./fakes/hub.ts";

const session = "0192f0c1-2b3c-7d4e-8f50-617283940a1b";
const open = { device: "dev_1", owner: "ffeeddccbbaa99887766554433221100", media: { video: true } };

let links: Link[] = [];
function started(hub: Hub, more: Parameters<Hub["link"]>[0] = {}): Link {
  const link = hub.link(more);
  links.push(link);
  link.start();
  return link;
}

function holder(id: string, sync: Sync = { revision: 1 }): Holder & { got: Envelope[] } {
  const got: Envelope[] = [];
  return { id, got, receive: (message) => got.push(message), sync: () => sync, linkUp: () => undefined };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
});
afterEach(() => {
  for (const link of links) link.stop();
  links = [];
  vi.useRealTimers();
});

describe("a link that begins", () => {
  it("speaks first, with its token in the message", () => {
    const hub = new Hub();
    started(hub);
    hub.socket.open();
    expect(hub.socket.received).toEqual([
      { type: "hello", data: { version: 1, role: "viewer", token: "t-1", client: { name: "sightline-web" } } },
    ]);
  });

  it("sends what waited once the hub says welcome, then that nothing is to repair", () => {
    const hub = new Hub();
    const link = started(hub);
    link.events.on("up", () => link.request({ type: "open", session, data: open }, () => undefined));
    hub.greet();
    expect(hub.socket.received.slice(1)).toMatchObject([
      { type: "open", seq: 1, id: 1, session },
      { type: "sync", seq: 2, data: { revision: 0, last: true } },
    ]);
  });

  it("gives up on a socket that brings no welcome in 5 s and tries another", () => {
    const hub = new Hub();
    started(hub);
    hub.socket.open();
    vi.advanceTimersByTime(4999);
    expect(hub.socket.closed).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(hub.socket.closed).toBe(4012);
    vi.advanceTimersByTime(750);
    expect(hub.sockets).toHaveLength(2);
  });

  it("knows its address from the hub's, with or without a path", () => {
    expect(linkURL(new URL("https://hub.example"))).toBe("wss://hub.example/v1/link");
    expect(linkURL(new URL("http://hub.example:8080/eu/?token=x#y"))).toBe("ws://hub.example:8080/eu/v1/link");
  });
});

describe("a link that lives", () => {
  it("pings every 20 s, and every 10 s while it holds a session", () => {
    const hub = new Hub();
    const link = started(hub);
    hub.greet();
    vi.advanceTimersByTime(19_999);
    expect(hub.socket.of("ping")).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(hub.socket.of("ping")).toHaveLength(1);
    link.hold(holder(session));
    hub.socket.send("pong", undefined);
    vi.advanceTimersByTime(10_000);
    expect(hub.socket.of("ping")).toHaveLength(2);
  });

  it("counts a hub as gone that is silent for the interval and 8 s", () => {
    const hub = new Hub();
    const link = started(hub);
    hub.greet();
    vi.advanceTimersByTime(27_999);
    expect(link.status).toBe("up");
    vi.advanceTimersByTime(1);
    expect(link.status).toBe("down");
    expect(hub.socket.closed).toBe(4012);
  });

  it("answers pings", () => {
    const hub = new Hub();
    started(hub);
    hub.greet();
    hub.socket.send("ping", undefined);
    expect(hub.socket.of("pong")).toHaveLength(1);
  });

  it("hands answers to who asked and session messages to their session, once each", () => {
    const hub = new Hub();
    const link = started(hub);
    const held = holder(session);
    link.hold(held);
    hub.greet();
    const answers: Envelope[] = [];
    link.request({ type: "open", session, data: open }, (answer) => answers.push(answer));
    hub.socket.send("error", { code: "offline", message: "" }, { re: 1, session });
    hub.socket.send("candidate", { revision: 1, candidate: "", mline: 0 }, { session });
    hub.socket.send("candidate", { revision: 1, candidate: "", mline: 0 }, { session, seq: 2 });
    expect(answers).toMatchObject([{ type: "error" }]);
    expect(held.got).toMatchObject([{ type: "candidate", seq: 2 }]);
    vi.advanceTimersByTime(1000);
    expect(hub.socket.of("ack").at(-1)).toMatchObject({ ack: 2 });
  });

  it("answers an unknown type with an error and goes on", () => {
    const hub = new Hub();
    const link = started(hub);
    hub.greet();
    hub.socket.raw('{"type":"dance","seq":1,"id":7}');
    expect(hub.socket.of("error")).toMatchObject([{ re: 7, data: { code: "unknown_type" } }]);
    hub.socket.send("closed", { reason: "timeout" }, { session, seq: 2 });
    expect(link.status).toBe("up");
  });

  it.each([
    ["a hole in the sequence", '{"type":"closed","seq":5,"data":{"reason":"timeout"}}'],
    ["what is no message", "hello"],
  ])("starts anew after %s", (_, raw) => {
    const hub = new Hub();
    started(hub);
    hub.greet();
    hub.socket.raw(raw);
    expect(hub.socket.closed).toBe(4510);
    vi.advanceTimersByTime(750);
    hub.socket.open();
    expect(hub.socket.of("hello")[0]?.data.resume).toBeUndefined();
  });
});

describe("a link that lost its socket", () => {
  it("names itself with its key, and replays what the hub lacks when it may go on", () => {
    const hub = new Hub();
    const link = started(hub);
    hub.greet();
    link.post({ type: "close", session, data: { reason: "viewer_left" } });
    hub.socket.send("closed", { reason: "viewer_left" }, { session });
    hub.socket.drop();
    vi.advanceTimersByTime(750);
    hub.socket.open();
    expect(hub.socket.of("hello")[0]?.data.resume).toEqual({ link: "l-1", key: "k-1", received: 1 });
    hub.socket.welcome({ resumed: true, received: 1 });
    expect(hub.socket.received.slice(1)).toMatchObject([{ type: "close", seq: 2 }]);
  });

  it("sends unanswered requests and unacknowledged closes again when it may not, and repairs its sessions", () => {
    const hub = new Hub();
    const link = started(hub);
    hub.greet();
    const answers: Envelope[] = [];
    const other = session.replace("a1b", "a1c");
    link.hold(holder(session, { revision: 3 }));
    link.hold(holder(other, { revision: 1 }));
    link.request({ type: "open", session, data: open }, (answer) => answers.push(answer));
    hub.socket.send("pong", undefined, { ack: 2 });
    link.post({ type: "candidate", session, data: { revision: 1, candidate: "", mline: 0 } });
    link.request({ type: "extend", session, data: {} }, (answer) => answers.push(answer));
    link.post({ type: "close", session: other, data: { reason: "viewer_left" } });
    hub.socket.drop();
    vi.advanceTimersByTime(750);
    hub.greet({ reason: "node_lost" });
    expect(hub.socket.received.slice(1)).toMatchObject([
      { type: "open", seq: 1, id: 1 },
      { type: "sync", seq: 2, session, data: { revision: 3 } },
      { type: "extend", seq: 3, id: 2 },
      { type: "sync", seq: 4, session: other, data: { revision: 1, last: true } },
      { type: "close", seq: 5, session: other },
    ]);
    hub.socket.send("reply", {}, { re: 2 });
    expect(answers).toMatchObject([{ type: "reply" }]);
  });

  it("keeps at most half its buffer unacknowledged while it repairs", () => {
    const hub = new Hub();
    const link = started(hub);
    hub.greet();
    for (let i = 0; i < 200; i++) link.hold(holder(session.replace("0a1b", i.toString(16).padStart(4, "0"))));
    hub.socket.drop();
    vi.advanceTimersByTime(750);
    hub.greet();
    expect(hub.socket.of("sync")).toHaveLength(128);
    hub.socket.send("ack", undefined, { ack: 128 });
    expect(hub.socket.of("sync")).toHaveLength(200);
    expect(hub.socket.of("sync").filter(({ data }) => data.last)).toHaveLength(1);
  });

  it("forgets the requests of a session that has ended here", () => {
    const hub = new Hub();
    const link = started(hub);
    hub.greet();
    const release = link.hold(holder(session));
    link.request({ type: "open", session, data: open }, () => expect.unreachable());
    release();
    hub.socket.drop();
    vi.advanceTimersByTime(750);
    hub.greet();
    expect(hub.socket.of("open")).toHaveLength(0);
  });

  it("waits longer each time, with jitter, and begins again after 30 s of life", () => {
    const hub = new Hub();
    const link = started(hub);
    const waits: number[] = [];
    link.events.on("down", ({ retryMs }) => waits.push(retryMs));
    for (let i = 0; i < 8; i++) {
      hub.socket.drop();
      vi.runOnlyPendingTimers();
    }
    expect(waits).toEqual([750, 1250, 2250, 4250, 8250, 15_250, 15_250, 15_250]);
    hub.greet();
    for (let i = 0; i < 3; i++) {
      vi.advanceTimersByTime(10_000);
      hub.socket.send("ping", undefined);
    }
    hub.socket.drop();
    expect(waits.at(-1)).toBe(750);
  });

  it("tries at once when the network comes back, but not against the hub's word", () => {
    const hub = new Hub();
    started(hub);
    for (let i = 0; i < 5; i++) {
      hub.socket.drop();
      vi.runOnlyPendingTimers();
    }
    hub.socket.drop();
    vi.advanceTimersByTime(1000);
    window.dispatchEvent(new Event("online"));
    expect(hub.sockets).toHaveLength(7);
    hub.socket.open();
    hub.socket.send("error", { code: "rate_limited", message: "", retry_ms: 60_000 });
    hub.socket.drop(4013);
    vi.advanceTimersByTime(1000);
    window.dispatchEvent(new Event("online"));
    expect(hub.sockets).toHaveLength(7);
    vi.advanceTimersByTime(59_000);
    expect(hub.sockets).toHaveLength(8);
  });

  it("asks a living hub for a sign of life when the network changed", () => {
    const hub = new Hub();
    const link = started(hub);
    hub.greet();
    window.dispatchEvent(new Event("online"));
    expect(hub.socket.of("ping")).toHaveLength(1);
    vi.advanceTimersByTime(2999);
    expect(link.status).toBe("up");
    vi.advanceTimersByTime(1);
    expect(link.status).toBe("down");
  });

  it("stays with a hub that sends it away until the hub closes", () => {
    const hub = new Hub();
    started(hub);
    hub.greet();
    hub.socket.send("goaway", { after_ms: 2000, deadline_ms: 4000 });
    vi.advanceTimersByTime(3999);
    expect(hub.sockets).toHaveLength(1);
    expect(hub.socket.closed).toBeUndefined();
    hub.socket.drop(4001);
    vi.advanceTimersByTime(499);
    expect(hub.sockets).toHaveLength(1);
    vi.advanceTimersByTime(501);
    expect(hub.sockets).toHaveLength(2);
  });

  it.each([5000, 100])("comes back just in the slot of a goaway, %d ms later", (after_ms) => {
    const hub = new Hub();
    started(hub);
    hub.greet();
    hub.socket.send("goaway", { after_ms, deadline_ms: 50 });
    vi.advanceTimersByTime(50);
    hub.socket.drop(4001);
    vi.advanceTimersByTime(after_ms - 51);
    expect(hub.sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(hub.sockets).toHaveLength(2);
    hub.socket.drop();
    vi.advanceTimersByTime(499);
    expect(hub.sockets).toHaveLength(2);
    vi.advanceTimersByTime(501);
    expect(hub.sockets).toHaveLength(3);
  });
});

describe("a link that is refused", () => {
  it("stops with what the hub said", async () => {
    const hub = new Hub();
    const link = started(hub);
    const stopped = vi.fn();
    link.events.on("stopped", stopped);
    hub.socket.open();
    hub.socket.send("error", { code: "expired", message: "the token is past its time" });
    hub.socket.drop(4500);
    await vi.runAllTimersAsync();
    expect(link.status).toBe("stopped");
    expect(stopped).toHaveBeenCalledWith(expect.objectContaining({ code: "expired" }));
    expect(hub.sockets).toHaveLength(1);
  });

  it.each([
    [4500, "bad_token"],
    [4503, "revoked"],
    [4509, "superseded"],
    [4510, "version"],
  ])("reads a bare %d as %s", async (close, code) => {
    const hub = new Hub();
    const link = started(hub);
    const stopped = vi.fn();
    link.events.on("stopped", stopped);
    hub.socket.drop(close);
    await vi.runAllTimersAsync();
    expect(stopped).toHaveBeenCalledWith(expect.objectContaining({ code }));
  });

  it("asks for a new token and begins a new link with it, once", async () => {
    const hub = new Hub();
    const renewToken = vi.fn(async () => "t-2");
    const link = started(hub, { renewToken });
    hub.greet();
    hub.socket.drop(4500);
    await vi.advanceTimersByTimeAsync(750);
    hub.socket.open();
    expect(hub.socket.of("hello")[0]?.data).toMatchObject({ token: "t-2" });
    expect(hub.socket.of("hello")[0]?.data.resume).toBeUndefined();
    hub.socket.drop(4500);
    await vi.runAllTimersAsync();
    expect(renewToken).toHaveBeenCalledTimes(1);
    expect(link.status).toBe("stopped");
  });

  it("says bye when it is stopped", () => {
    const hub = new Hub();
    const link = started(hub);
    hub.greet();
    link.stop();
    expect(hub.socket.of("bye")).toHaveLength(1);
    expect(hub.socket.closed).toBe(1000);
    vi.advanceTimersByTime(60_000);
    expect(hub.sockets).toHaveLength(1);
  });
});
