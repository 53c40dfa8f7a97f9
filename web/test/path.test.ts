import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Link } from "../src/link/link.ts";
import { placeOf, readCandidate } from "../src/session/candidates.ts";
import { Origins } from "../src/session/origins.ts";
import { Hub } from "./fakes/hub.ts";
import { fakeRTC } from "./fakes/rtc.ts";
import { pass, Viewing } from "./fakes/viewing.ts";

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

const remote = (address: string, port: number, candidateType = "srflx") => ({ candidateType, address, port });

describe("the means of a path", () => {
  const mapped = { address: "203.0.113.7:40000", means: "mapped" };

  it.each([
    ["mapped", "host", remote("203.0.113.7", 40000)],
    ["ice", "host", remote("203.0.113.7", 40001)],
    ["ipv6", "host", remote("2001:db8::7", 40000, "host")],
    ["ipv6", { candidateType: "srflx", address: "2001:db8::1", port: 5 }, { candidateType: "prflx", port: 40000 }],
    ["tcp", { candidateType: "prflx", protocol: "tcp" }, { ...remote("203.0.113.7", 443, "host"), protocol: "tcp" }],
    ["relay", "relay", remote("203.0.113.7", 40000)],
    ["relay", "srflx", remote("198.51.100.1", 50000, "relay")],
  ])("is %s from %j to %j", async (means, local, remote) => {
    const viewing = await Viewing.open(hub, link);
    await viewing.answer(1, { origins: [mapped] });
    await viewing.connect(local, remote);
    expect(viewing.paths).toMatchObject([{ means, kind: means === "relay" ? "relay" : "direct" }]);
  });

  it("is known of candidates that come by themselves, and goes over what ICE learned without an address", async () => {
    const viewing = await Viewing.open(hub, link);
    viewing.candidate("candidate:1 1 udp 5 203.0.113.7 41000 typ srflx raddr 0.0.0.0 rport 0", { means: "predicted" });
    await viewing.answer();
    await viewing.connect("prflx", { candidateType: "prflx", address: "redacted-ip.invalid", port: 41000 });
    expect(viewing.paths).toMatchObject([{ means: "predicted", remote: "prflx" }]);
  });

  it("is told when it is learned after the path", async () => {
    const viewing = await Viewing.open(hub, link);
    await viewing.answer();
    await viewing.connect("host", remote("203.0.113.7", 42000));
    viewing.candidate("candidate:1 1 udp 5 203.0.113.7 42000 typ srflx", { means: "mapped" });
    await pass(hub, 1000);
    expect(viewing.paths.map(({ means, after_ms }) => [means, after_ms])).toEqual([
      ["ice", 0],
      ["mapped", 0],
    ]);
  });
});

describe("the times of a path", () => {
  it("count from the open, and an upgrade is told at once without a restart", async () => {
    const viewing = await Viewing.open(hub, link);
    const told = vi.fn();
    viewing.session.events.on("path", ({ kind, after_ms }) => told(kind, after_ms));
    await viewing.answer();
    await pass(hub, 900);
    await viewing.connect("relay");
    await pass(hub, 650);
    await viewing.pair("srflx", "srflx");
    expect(told.mock.calls).toEqual([
      ["relay", 900],
      ["direct", 1550],
    ]);
    expect(viewing.restarts).toEqual([2]);
  });

  it("are those of the change, though the browser's figures are older", async () => {
    const viewing = await Viewing.open(hub, link, { relay_delay_ms: 0 });
    await viewing.answer();
    await viewing.connect("relay");
    await pass(hub, 500);
    viewing.peer.iceTransport.dispatchEvent(new Event("selectedcandidatepairchange"));
    await vi.advanceTimersByTimeAsync(0);
    viewing.peer.measure(60, "srflx", "srflx");
    await vi.advanceTimersByTimeAsync(60);
    expect(viewing.paths.map(({ kind, after_ms }) => [kind, after_ms])).toEqual([
      ["relay", 0],
      ["direct", 500],
    ]);
    viewing.peer.iceTransport.dispatchEvent(new Event("selectedcandidatepairchange"));
    await pass(hub, 5000);
    await viewing.pair("relay", "host");
    expect(viewing.paths.at(-1)).toMatchObject({ kind: "relay", after_ms: 5560 });
  });

  it("come with the number of pairs that were tried", async () => {
    const viewing = await Viewing.open(hub, link);
    await viewing.answer();
    viewing.peer.pairs = ["succeeded", "failed", "in-progress", "frozen", "waiting"];
    await viewing.connect();
    expect(viewing.paths).toMatchObject([{ pairs: 3 }]);
  });
});

describe("origins", () => {
  it("are found by any way to write an address", () => {
    const origins = new Origins();
    origins.learn("[2001:db8::7]:5000", "mapped");
    expect(origins.meansOf("2001:0DB8:0:0::7", 5000)).toBe("mapped");
  });

  it("of one port and different means tell nothing of an address that is hidden", () => {
    const origins = new Origins();
    origins.learn("203.0.113.7:5000", "mapped");
    expect(origins.meansOf("", 5000)).toBe("mapped");
    origins.learn("203.0.113.8:5000", "predicted");
    expect([origins.meansOf("", 5000), origins.meansOf("", 500)]).toEqual([undefined, undefined]);
  });

  it("are the newest 128", () => {
    const origins = new Origins();
    for (let port = 1; port <= 200; port++) origins.learn(`203.0.113.7:${port}`, "predicted");
    expect([origins.meansOf("203.0.113.7", 72), origins.meansOf("203.0.113.7", 73)]).toEqual([undefined, "predicted"]);
  });
});

describe("candidate lines", () => {
  it("are read with and without a=", () => {
    const line =
      "candidate:842 1 UDP 1677729535 203.0.113.7 61000 typ srflx raddr 192.168.1.2 rport 50000 generation 0";
    const read = {
      foundation: "842",
      component: 1,
      protocol: "udp",
      address: "203.0.113.7",
      port: 61000,
      type: "srflx",
      basePort: 50000,
    };
    expect([readCandidate(line), readCandidate(`a=${line}`)]).toEqual([read, read]);
  });

  it.each(["", "end-of-candidates", "candidate:1 1 udp 5 203.0.113.7 61000", "candidate: 1 udp 5 h 1 typ host"])(
    "that are none are undefined: %j",
    (line) => {
      expect(readCandidate(line)).toBeUndefined();
    },
  );

  it("name a place as Go does", () => {
    expect([placeOf("203.0.113.7", 1), placeOf("2001:DB8:0::1", 2), placeOf("x.local", 3)]).toEqual([
      "203.0.113.7:1",
      "[2001:db8::1]:2",
      "x.local:3",
    ]);
  });
});
