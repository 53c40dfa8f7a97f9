import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Link } from "../src/link/link.ts";
import { RelayTime } from "../src/session/relaytime.ts";
import { Hub } from "./fakes/hub.ts";
import { fakeRTC } from "./fakes/rtc.ts";
import { pass, settle, Viewing } from "./fakes/viewing.ts";

let hub: Hub;
let link: Link;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  localStorage.clear();
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

/** A session on the relay path. */
async function relayed(max_relay_s: number): Promise<Viewing> {
  const viewing = await Viewing.open(hub, link, { relay_delay_ms: 0, max_relay_s });
  await viewing.answer();
  await viewing.connect("relay");
  return viewing;
}

describe("the time on the relay path", () => {
  it("ends the session when it is used up, and says which quota it was", async () => {
    const viewing = await relayed(60);
    await pass(hub, 59_500);
    expect(viewing.ends).toEqual([]);
    await pass(hub, 500);
    expect(viewing.ends).toEqual([{ reason: "quota", relayTime: true }]);
    expect(hub.socket.of("close").map(({ data }) => data)).toEqual([{ reason: "quota" }]);
  });

  it("stands still on a direct path and goes on after it", async () => {
    const viewing = await relayed(60);
    await pass(hub, 40_000);
    await viewing.pair("host", "host");
    await pass(hub, 300_000);
    expect(viewing.ends).toEqual([]);
    await viewing.pair("relay", "host");
    await pass(hub, 19_500);
    expect(viewing.ends).toEqual([]);
    await pass(hub, 500);
    expect(viewing.ends).toMatchObject([{ reason: "quota" }]);
  });

  it("is cut at once by a policy that gives less, and not by one that gives more", async () => {
    const viewing = await relayed(60);
    await pass(hub, 30_000);
    await viewing.policy({ max_relay_s: 90 });
    await pass(hub, 45_000);
    expect(viewing.ends).toEqual([]);
    await viewing.policy({ max_relay_s: 20 });
    await vi.advanceTimersByTimeAsync(1);
    expect(viewing.ends).toMatchObject([{ reason: "quota" }]);
  });

  it("is what the hub means when it says so first, and another quota is not", async () => {
    const [early, late] = [await relayed(60), await relayed(60)];
    hub.socket.send("closed", { reason: "quota" }, { session: early.session.id });
    await pass(hub, 58_000);
    hub.socket.send("closed", { reason: "quota" }, { session: late.session.id });
    expect([early.ends, late.ends]).toEqual([[{ reason: "quota" }], [{ reason: "quota", relayTime: true }]]);
  });

  it("may be longer than a timer holds", () => {
    link.stop();
    const over = vi.fn();
    const time = new RelayTime(over);
    time.allow(40 * 86_400);
    time.path("relay");
    vi.advanceTimersByTime(40 * 86_400_000 - 1);
    expect(over).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(over).toHaveBeenCalledTimes(1);
  });
});

describe("another network", () => {
  it("restarts ICE at once, with relays, though ICE has noticed nothing", async () => {
    const viewing = await Viewing.open(hub, link);
    await viewing.answer();
    await viewing.connect();
    window.dispatchEvent(new Event("online"));
    await settle();
    expect([viewing.restarts, viewing.urls.some((url) => url.startsWith("turn:"))]).toEqual([[2], true]);
    await viewing.answer(2);
    await viewing.connect("relay");
    expect(localStorage.getItem("sightline:relays")).toBeNull();
  });

  it("restarts once for a burst of events, and once more for the newest of them", async () => {
    const viewing = await Viewing.open(hub, link);
    await viewing.answer();
    await viewing.connect();
    for (let i = 0; i < 5; i++) window.dispatchEvent(new Event("online"));
    await settle();
    expect(viewing.restarts).toEqual([2]);
    await pass(hub, 1000);
    expect(viewing.restarts).toEqual([2, 3]);
    await viewing.answer(3);
    await pass(hub, 30_000);
    expect(viewing.restarts).toEqual([2, 3]);
  });

  it("gives a session that was about to be given up all its tries", async () => {
    const viewing = await Viewing.open(hub, link);
    await viewing.answer();
    viewing.peer.ice("failed");
    await pass(hub, 20_000);
    const before = viewing.restarts.length;
    expect(before).toBeGreaterThan(2);
    window.dispatchEvent(new Event("online"));
    await pass(hub, 15_000);
    expect(viewing.ends).toEqual([]);
    await pass(hub, 60_000);
    expect(viewing.ends).toEqual([{ reason: "ice_failed" }]);
  });

  it("is told nothing of what was learned on the last one", async () => {
    const viewing = await Viewing.open(hub, link);
    viewing.peer.gather("candidate:2 1 udp 7 2001:db8::5 61000 typ srflx raddr :: rport 0");
    expect(hub.socket.of("network").map(({ session, data }) => [session, data])).toEqual([
      [viewing.session.id, { ipv6: true }],
    ]);
    hub.socket.drop();
    await vi.advanceTimersByTimeAsync(750);
    hub.greet({ reason: "node_lost" });
    expect(hub.socket.of("network")).toHaveLength(1);
    window.dispatchEvent(new Event("online"));
    hub.socket.drop();
    await vi.advanceTimersByTimeAsync(1250);
    hub.greet({ reason: "node_lost" });
    expect(hub.socket.of("network")).toHaveLength(0);
  });
});
