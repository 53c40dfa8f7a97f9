import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Connect } from "../src/link/transport.ts";
import { Hub } from "./fakes/hub.ts";

const session = "0192f0c1-2b3c-7d4e-8f50-617283940a1b";

/** Hubs at several hosts, told apart by the URL that a link connects to. */
function hosts(...names: string[]) {
  const hubs = new Map(names.map((name) => [name, new Hub()]));
  const connect: Connect = (url, events) => {
    const hub = hubs.get(url.host);
    if (!hub) throw new Error(`nobody expected ${url}`);
    return hub.connect(url, events);
  };
  const at = (name: string) => hubs.get(name) as Hub;
  return { at, doors: { websocket: connect } };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a link that is sent to other hosts", () => {
  it("is welcome there before it leaves the old one", () => {
    const { at, doors } = hosts("hub.example", "b.example:8443");
    const link = at("hub.example").link({ doors });
    const [up, down] = [vi.fn(), vi.fn()];
    link.events.on("up", up);
    link.events.on("down", down);
    const holder = {
      id: session,
      receive: vi.fn(),
      linkUp: vi.fn(),
      sync: () => ({ revision: 1, owner: "0123456789abcdef0123456789abcdef" }),
    };
    link.hold(holder);
    link.start();
    const old = at("hub.example").greet();
    old.send("goaway", { after_ms: 2000, deadline_ms: 60_000, hosts: ["b.example:8443"] });
    vi.advanceTimersByTime(1999);
    expect(at("b.example:8443").sockets).toHaveLength(0);
    vi.advanceTimersByTime(1);
    const next = at("b.example:8443").socket;
    next.open();
    expect(next.of("hello")[0]?.data.resume).toEqual({ link: "l-1", key: "k-1", received: 0 });

    old.send("describe", { revision: 1, kind: "answer", sdp: "v=0" }, { session });
    expect(holder.receive).toHaveBeenCalledOnce();
    expect(old.closed).toBeUndefined();

    next.welcome({ link: "l-2", key: "k-2", reason: "node_lost", grant: "ffffffffffffffffffffffffffffffff" });
    expect(old.closed).toBe(4001);
    expect(next.of("sync")[0]?.session).toBe(session);
    expect(up).toHaveBeenLastCalledWith(expect.objectContaining({ grant: "ffffffffffffffffffffffffffffffff" }));
    expect(down).not.toHaveBeenCalled();
    expect(link.status).toBe("up");
    link.stop();
  });

  it("stays on the old one while it reaches none of them, and comes back to it", () => {
    const { at, doors } = hosts("hub.example", "b.example", "c.example");
    const link = at("hub.example").link({ doors });
    link.start();
    const old = at("hub.example").greet();
    old.send("goaway", { after_ms: 0, deadline_ms: 60_000, hosts: ["b.example", "c.example", "no host", "a@b"] });
    vi.advanceTimersByTime(0);
    for (let i = 0; i < 4; i++) {
      const [b, c] = [at("b.example").sockets, at("c.example").sockets];
      expect(b.length + c.length).toBe(i + 1);
      (i % 2 === 0 ? c : b).at(-1)?.drop();
      expect(link.status).toBe("up");
      vi.advanceTimersByTime(4250);
    }
    link.post({ type: "stats", data: {} });
    expect(old.of("stats")).toHaveLength(1);
    old.drop(4001);
    vi.advanceTimersByTime(1000);
    expect(at("hub.example").sockets).toHaveLength(2);
    vi.advanceTimersByTime(4000);
    expect(at("b.example").sockets.length + at("c.example").sockets.length).toBe(5);
    link.stop();
  });

  it("comes back to where it went, and home when that is gone", () => {
    const { at, doors } = hosts("hub.example", "b.example");
    const link = at("hub.example").link({ doors });
    link.start();
    at("hub.example")
      .greet()
      .send("goaway", { after_ms: 0, deadline_ms: 60_000, hosts: ["b.example"] });
    vi.advanceTimersByTime(0);
    at("b.example").greet({ link: "l-2", key: "k-2" });
    at("b.example").socket.drop();
    vi.advanceTimersByTime(1000);
    expect(at("b.example").sockets).toHaveLength(2);
    at("b.example").socket.drop();
    vi.advanceTimersByTime(2000);
    expect(at("hub.example").sockets).toHaveLength(2);
    link.stop();
  });
});
