import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Network } from "../src/protocol/network.ts";
import { type RelayFacts, relayReason } from "../src/session/reason.ts";
import { Scout } from "../src/session/scout.ts";
import { isPublic4, stunPlaces, takesUDP } from "../src/session/servers.ts";
import { FakePeer } from "./fakes/rtc.ts";

const two = [{ urls: ["stun:192.0.2.1:3478", "stun:192.0.2.1:3479"] }];
const relays = { urls: ["turn:192.0.2.1:3478?transport=udp", "turn:192.0.2.1:3478?transport=tcp"] };

let peer: FakePeer;
let scout: Scout;
let told: Network[];

beforeEach(() => {
  vi.useFakeTimers();
  peer = new FakePeer({});
  told = [];
  scout = new Scout((network) => told.push(network));
  scout.watch(peer as unknown as RTCPeerConnection);
  scout.begin(two);
});
afterEach(() => {
  scout.stop();
  vi.useRealTimers();
});

const host = (port: number, address = "1f2e.local") => ({
  candidate: `candidate:1 1 udp 9 ${address} ${port} typ host`,
});
const mapped = (port: number, { address = "203.0.113.7", foundation = "2", base = 0 } = {}) => ({
  candidate: `candidate:${foundation} 1 udp 7 ${address} ${port} typ srflx raddr 0.0.0.0 rport ${base}`,
});
const relay = (relayProtocol: string) => ({ candidate: "candidate:3 1 udp 1 198.51.100.1 5 typ relay", relayProtocol });

/** The browser says that it has gathered all. */
function complete(): void {
  peer.iceGatheringState = "complete";
  peer.onicegatheringstatechange?.();
  vi.advanceTimersByTime(50);
}

describe("a viewer's network", () => {
  it("is symmetric where one socket has two ports outside", () => {
    for (const candidate of [host(50000), mapped(61000), mapped(48123)]) scout.found(candidate);
    expect(scout.network).toEqual({ mapping: "address_and_port_dependent" });
  });

  it("counts up where they are close", () => {
    for (const candidate of [host(50000), mapped(61001), mapped(61000)]) scout.found(candidate);
    expect(scout.network).toEqual({ mapping: "address_and_port_dependent", port_step: 1 });
  });

  it("maps by address, as far as that can be told, where the servers have different ones", () => {
    scout.begin([{ urls: ["stun:192.0.2.1", "stun:192.0.2.2"] }]);
    for (const candidate of [host(50000), mapped(61000), mapped(62000)]) scout.found(candidate);
    expect(scout.network.mapping).toBe("address_dependent");
  });

  it("is not symmetric because two sockets have a port each", () => {
    for (const candidate of [
      host(50000),
      host(50001),
      mapped(61000, { base: 50000 }),
      mapped(61001, { base: 50001 }),
    ]) {
      scout.found(candidate);
    }
    expect(told).toEqual([]);
    scout.begin(two);
    for (const candidate of [host(50002), host(50003), mapped(61002), mapped(61003, { foundation: "4" })]) {
      scout.found(candidate);
    }
    expect(told).toEqual([]);
  });

  it("is endpoint-independent where all servers saw one port", () => {
    for (const candidate of [host(50000), mapped(61000)]) scout.found(candidate);
    expect(told).toEqual([]);
    complete();
    expect(told).toEqual([{ mapping: "endpoint_independent" }]);
  });

  it.each([
    ["a server did not answer", () => peer.onicecandidateerror?.({ url: "stun:192.0.2.1:3479" })],
    ["a pair stopped the gathering", () => peer.ice("connected")],
    ["there is one server", () => scout.begin([{ urls: ["stun:192.0.2.1:3478"] }])],
    ["two names may be one server", () => scout.begin([{ urls: ["stun:a.example", "stun:192.0.2.1"] }])],
  ])("is not taken for endpoint-independent when %s", (_, happen) => {
    happen();
    for (const candidate of [host(50000), mapped(61000)]) scout.found(candidate);
    complete();
    expect(scout.network.mapping).toBeUndefined();
  });

  it("keeps ports where the one outside is that inside", () => {
    for (const candidate of [host(50000), mapped(50000)]) scout.found(candidate);
    expect(scout.network).toEqual({ port_preserved: true });
  });

  it("is public where an address outside is the viewer's own", () => {
    for (const candidate of [host(50000, "203.0.113.7"), mapped(50000)]) scout.found(candidate);
    expect(scout.network).toMatchObject({ public: true });
  });

  it("is not public because a server in the same LAN sees the same address", () => {
    for (const candidate of [host(50000, "192.168.1.2"), mapped(50000, { address: "192.168.1.2" })])
      scout.found(candidate);
    complete();
    expect(scout.network.public).toBeUndefined();
  });

  it("has IPv6 where a global address is seen", () => {
    scout.found(host(50000, "fe80::1"));
    expect(told).toEqual([]);
    scout.found(mapped(50000, { address: "2001:db8::5" }));
    expect(scout.network.ipv6).toBe(true);
    expect(scout.network.mapping).toBeUndefined();
  });
});

describe("UDP", () => {
  it("is blocked where no server answered in all the time", () => {
    scout.found(host(50000));
    complete();
    expect(scout.network).toEqual({ udp_blocked: true });
  });

  it.each([
    ["a server answered", () => scout.found(mapped(50000))],
    ["a relay was reached over it", () => scout.found(relay("udp"))],
    ["nobody was asked", () => scout.begin([])],
    ["a pair stopped the gathering", () => peer.ice("connected")],
    ["the address is in plain sight, so that an equal one is left out", () => scout.found(host(50001, "10.0.0.2"))],
  ])("is not taken for blocked when %s", (_, happen) => {
    happen();
    scout.found(host(50000));
    complete();
    expect(scout.network.udp_blocked).toBeUndefined();
  });

  it("is blocked where a relay is reached over TCP alone", () => {
    scout.begin([...two, relays]);
    for (const candidate of [host(50000), relay("tcp")]) scout.found(candidate);
    scout.path({ kind: "relay", means: "relay", local: "relay", remote: "host", protocol: "tcp" });
    expect(scout.network).toEqual({ udp_blocked: true });
    scout.found(mapped(61000));
    expect(scout.network.udp_blocked).toBeUndefined();
  });

  it("is not, where the relay is not offered over it, or a server was heard before", () => {
    const path = { kind: "relay", means: "relay", local: "relay", remote: "host", protocol: "tcp" } as const;
    scout.begin([{ urls: ["turns:192.0.2.1:443?transport=tcp"] }]);
    scout.path(path);
    scout.begin([...two, relays]);
    scout.found(mapped(61000));
    scout.begin([...two, relays]);
    scout.path(path);
    expect(told.filter(({ udp_blocked }) => udp_blocked)).toEqual([]);
  });

  it("is not known of another network", () => {
    scout.found(host(50000));
    complete();
    scout.moved();
    expect(scout.network).toEqual({});
  });
});

describe("servers", () => {
  it("are read from their URLs", () => {
    expect(stunPlaces([{ urls: ["stun:Host.example", "stun:[2001:db8::1]:3479", "turn:x:1", "stuns:y"] }])).toEqual([
      { host: "host.example", port: 3478 },
      { host: "2001:db8::1", port: 3479 },
    ]);
    expect([relays, { urls: "turn:x:1" }, { urls: ["turns:x:1?transport=tcp"] }].map(takesUDP)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("of private ranges are not public", () => {
    const addresses = ["10.1.2.3", "100.64.0.1", "100.128.0.1", "172.16.0.1", "172.32.0.1", "203.0.113.1", "x.local"];
    expect(addresses.filter(isPublic4)).toEqual(["100.128.0.1", "172.32.0.1", "203.0.113.1"]);
  });
});

describe("the reason of a relay", () => {
  const facts: RelayFacts = {
    asked: false,
    policy: "prefer_direct",
    network: {},
    remote: new Set(["host", "srflx"]),
    since: 20_000,
  };

  it.each<[string, Partial<RelayFacts>]>([
    ["asked", { asked: true, policy: "relay_only" }],
    ["policy", { policy: "relay_only", since: 0 }],
    ["viewer_udp_blocked", { network: { udp_blocked: true }, since: 0 }],
    ["device_udp_blocked", { remote: new Set(["relay"]) }],
    ["not_yet", { since: 9999 }],
    ["viewer_symmetric", { network: { mapping: "address_dependent" } }],
    ["networks_unknown", { network: { mapping: "endpoint_independent" } }],
  ])("is %s", (reason, more) => {
    expect(relayReason({ ...facts, ...more })).toBe(reason);
  });
});
