import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { examine } from "../src/doctor/examine.ts";
import { type Findings, natOf } from "../src/doctor/findings.ts";
import { lookOutside, tryRelays } from "../src/doctor/gathering.ts";
import { reportOf } from "../src/doctor/report.ts";
import { assess } from "../src/doctor/verdict.ts";
import { ADVICE, fill, GRADES, RELAYS, VERDICTS } from "../src/doctor/words.ts";
import { Hub } from "./fakes/hub.ts";
import { FakePeer, fakeRTC } from "./fakes/rtc.ts";

const good: Findings = {
  websocket: "works",
  longPoll: "works",
  fallback: undefined,
  udp: "works",
  ipv6: "works",
  network: { mapping: "endpoint_independent" },
  relays: { udp: "works", tcp: "works", tls: "untried" },
};
const about = (more: Partial<Findings>) => assess({ ...good, ...more }, "hub.example");
const helps = (more: Partial<Findings>) => about(more).advice;
const say = (text: string) => fill(text, { host: "hub.example" });

describe("an assessment", () => {
  const symmetric = { mapping: "address_and_port_dependent" } as const;
  const blocked = { udp: "fails", network: { udp_blocked: true } } as const;
  const noRelay = { udp: "fails", tcp: "fails", tls: "untried" } as const;

  it.each<[keyof typeof VERDICTS, Partial<Findings>]>([
    ["open", {}],
    ["open", { network: { public: true }, ipv6: "untried" }],
    ["usual", { ipv6: "fails" }],
    ["likely", { network: {} }],
    ["hard", { network: symmetric }],
    ["hard", { network: { ...symmetric, port_step: 1 } }],
    ["relay", blocked],
    ["relay", { ...blocked, relays: { udp: "untried", tcp: "untried", tls: "untried" } }],
    ["nothing", { ...blocked, relays: noRelay }],
    ["nothing", { websocket: "fails", longPoll: "fails" }],
    ["unknown", { udp: "untried", ipv6: "untried", network: {} }],
    ["usual", { websocket: "fails", ipv6: "untried" }],
  ])("is %s for %j", (verdict, more) => {
    expect(about(more).verdict).toBe(verdict);
  });

  it("says what would help, and that nothing has to", () => {
    expect(helps({})).toEqual([ADVICE.nothing]);
    expect(helps({ websocket: "fails", longPoll: "fails" })).toEqual([say(ADVICE.service)]);
    expect(helps({ websocket: "fails" })).toEqual([say(ADVICE.websocket)]);
    expect(helps({ ipv6: "fails" })).toEqual([ADVICE.ipv6]);
    expect(helps({ network: symmetric })).toEqual([ADVICE.nat, ADVICE.camera]);
    expect(helps(blocked)).toEqual([say(ADVICE.udp)]);
    expect(helps({ ...blocked, relays: noRelay })).toEqual([ADVICE.tls, say(ADVICE.udp)]);
  });

  it("names the ways to the relay that work, and those that do not", () => {
    const relay = (relays: Findings["relays"]) => about({ relays }).rows.at(-1);
    expect(relay({ udp: "works", tcp: "works", tls: "works" })?.text).toBe(
      "The relay is reached over UDP, TCP, and TLS.",
    );
    expect(relay({ udp: "fails", tcp: "works", tls: "untried" })).toMatchObject({
      grade: "fair",
      text: "The relay is reached over TCP, but not over UDP.",
    });
    expect(relay(noRelay)).toMatchObject({ grade: "bad", text: "The relay is not reached over UDP and TCP." });
    expect(relay({ udp: "untried", tcp: "untried", tls: "untried" })).toMatchObject({
      grade: "unknown",
      text: RELAYS.untried,
    });
  });

  it("says why there is no WebSocket where that is known", () => {
    const text = (fallback: Findings["fallback"]) => about({ websocket: "fails", fallback }).rows[0]?.text ?? "";
    expect(text({ reason: "captive_portal", detail: "a redirect" })).toContain("sign-in page");
    expect(text({ reason: "unknown" })).toBe(text(undefined));
  });

  it("leaves no blank unfilled, whatever was found", () => {
    const outcomes = ["works", "fails", "untried"] as const;
    for (const udp of outcomes) {
      for (const ipv6 of outcomes) {
        for (const way of outcomes) {
          const { verdict, rows, advice } = about({ udp, ipv6, relays: { udp: way, tcp: "fails", tls: "works" } });
          expect(VERDICTS[verdict]).toMatch(/^[A-Z]/);
          expect(advice.length).toBeGreaterThan(0);
          for (const text of [...rows.map(({ text }) => text), ...advice]) expect(text).toMatch(/^[A-Z][^{}_]*\.$/);
          for (const { grade } of rows) expect(GRADES[grade]).toMatch(/\S/);
        }
      }
    }
  });

  it("knows kinds of NAT", () => {
    const kinds = [
      {},
      { public: true },
      { mapping: "endpoint_independent" },
      { mapping: "address_dependent" },
      { mapping: "address_and_port_dependent", port_step: 2 },
    ] as const;
    expect(kinds.map(natOf)).toEqual(["unknown", "none", "steady", "changing", "counting"]);
  });

  it("makes a report with all that was found and no address", () => {
    const report = reportOf(about({}), good, "hub.example", new Date("2026-11-21T12:00:00Z"));
    expect(report).toContain("hub.example, 2026-11-21T12:00:00.000Z");
    expect(report).toContain(VERDICTS.open);
    expect(report).toContain('"mapping":"endpoint_independent"');
    expect(report).not.toMatch(/\d+\.\d+\.\d+\.\d+:|\.local/);
  });
});

describe("gathering", () => {
  const stun = [{ urls: ["stun:192.0.2.1:3478", "stun:192.0.2.1:3479", "stun:[2001:db8::1]:3478"] }];
  const host = "candidate:1 1 udp 9 1f2e.local 50000 typ host";
  const mapped = (address: string, port: number) =>
    `candidate:2 1 udp 7 ${address} ${port} typ srflx raddr 0.0.0.0 rport 0`;

  beforeEach(() => {
    vi.useFakeTimers();
    fakeRTC();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  const complete = (peer: FakePeer) => {
    peer.iceGatheringState = "complete";
    peer.onicegatheringstatechange?.();
  };

  it("finds addresses of both kinds, with one peer connection to STUN servers alone", async () => {
    const looking = lookOutside([...stun, { urls: ["turn:192.0.2.1:3478"], username: "u", credential: "c" }]);
    const peer = FakePeer.newest;
    for (const candidate of [host, mapped("203.0.113.7", 61000), mapped("2001:db8::7", 50000)]) peer.gather(candidate);
    complete(peer);
    expect(await looking).toEqual({
      udp: "works",
      ipv6: "works",
      network: { ipv6: true, mapping: "endpoint_independent" },
    });
    expect(peer.configuration.iceServers?.flatMap(({ urls }) => urls)).toEqual(stun[0]?.urls);
    expect([peer.closed, FakePeer.all.length]).toEqual([true, 1]);
  });

  it("knows that there is no IPv6 where a server of it was asked in vain, and UDP works", async () => {
    const looking = lookOutside(stun);
    FakePeer.newest.gather(mapped("203.0.113.7", 61000));
    FakePeer.newest.onicecandidateerror?.({ url: "stun:[2001:db8::1]:3478" });
    complete(FakePeer.newest);
    expect(await looking).toMatchObject({ udp: "works", ipv6: "fails", network: {} });
  });

  it("gives up after six seconds, without a word on what did not come in time", async () => {
    const looking = [lookOutside(stun), lookOutside(stun), lookOutside(stun)];
    const [silent, , half] = FakePeer.all;
    silent?.gather(host);
    for (const candidate of [host, mapped("203.0.113.7", 61000)]) half?.gather(candidate);
    await vi.advanceTimersByTimeAsync(6000);
    expect(await Promise.all(looking)).toEqual([
      { udp: "fails", ipv6: "untried", network: { udp_blocked: true } },
      { udp: "fails", ipv6: "untried", network: { udp_blocked: true } },
      { udp: "works", ipv6: "fails", network: {} },
    ]);
    expect(FakePeer.all.every(({ closed }) => closed)).toBe(true);
  });

  it("asks nobody without a server", async () => {
    expect(await lookOutside([])).toEqual({ udp: "untried", ipv6: "untried", network: {} });
    expect(await tryRelays([...stun])).toEqual({ udp: "untried", tcp: "untried", tls: "untried" });
    expect(FakePeer.all).toEqual([]);
  });

  it("tries each way to a relay with a peer connection of its own", async () => {
    const credentials = { username: "u", credential: "c" };
    const trying = tryRelays([
      ...stun,
      { urls: ["turn:192.0.2.1:3478?transport=udp", "turn:192.0.2.1:3478?transport=tcp"], ...credentials },
      { urls: ["turns:192.0.2.1:443?transport=tcp"], ...credentials },
    ]);
    const [udp, tcp, tls] = FakePeer.all;
    expect(FakePeer.all.map(({ configuration }) => configuration)).toMatchObject([
      { iceTransportPolicy: "relay", iceServers: [{ urls: ["turn:192.0.2.1:3478?transport=udp"], ...credentials }] },
      { iceTransportPolicy: "relay", iceServers: [{ urls: ["turn:192.0.2.1:3478?transport=tcp"] }] },
      { iceTransportPolicy: "relay", iceServers: [{ urls: ["turns:192.0.2.1:443?transport=tcp"] }] },
    ]);
    tcp?.gather("candidate:3 1 udp 1 198.51.100.1 5 typ relay raddr 0.0.0.0 rport 0");
    if (tls) complete(tls);
    udp?.gather(host);
    await vi.advanceTimersByTimeAsync(6000);
    expect(await trying).toEqual({ udp: "fails", tcp: "works", tls: "fails" });
  });
});

describe("an examination", () => {
  const at = new URL("https://hub.example");
  let hub: Hub;
  let answers: Record<string, () => Response>;

  beforeEach(() => {
    vi.useFakeTimers();
    fakeRTC();
    hub = new Hub();
    vi.stubGlobal("WebSocket", hub.webSocket());
    answers = {
      "/doctor/servers": () =>
        Response.json({ ice_servers: [{ urls: ["turn:192.0.2.9:1"] }, { urls: ["stun:192.0.2.1:1"] }] }),
    };
    vi.stubGlobal("fetch", async (url: URL) => {
      const answer = answers[new URL(url).pathname];
      if (!answer) throw new TypeError("Failed to fetch");
      return answer();
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("takes a refusal for a sign that WebSockets get through, and no server but STUN from the hub's word", async () => {
    const examined = examine(at, "");
    hub.socket.open();
    expect(hub.socket.of("hello")[0]?.data.token).toBe("");
    hub.socket.send("error", { code: "bad_token", message: "" });
    hub.socket.drop(4500);
    await vi.advanceTimersByTimeAsync(13_000);
    expect(await examined).toMatchObject({ websocket: "works", longPoll: "fails", relays: { udp: "untried" } });
    expect(FakePeer.all.map(({ configuration }) => configuration.iceServers)).toEqual([
      [{ urls: ["stun:192.0.2.1:1"] }],
    ]);
  });

  it("tries the relays that a token's welcome names, and leaves the hub after them", async () => {
    const examined = examine(at, "t-1");
    const socket = hub.greet();
    await vi.waitUntil(() => FakePeer.all.length === 2);
    const relay = FakePeer.all.find(({ configuration }) => configuration.iceTransportPolicy === "relay");
    expect([socket.of("bye").length, relay?.closed]).toEqual([0, false]);
    relay?.gather("candidate:3 1 udp 1 198.51.100.1 5 typ relay raddr 0.0.0.0 rport 0");
    await vi.advanceTimersByTimeAsync(6000);
    expect(await examined).toMatchObject({ websocket: "works", relays: { udp: "works", tcp: "untried" } });
    expect(socket.of("bye")).toHaveLength(1);
  });

  it("says that nothing is reached where nothing is", async () => {
    answers = {};
    const examined = examine(at, "t-1");
    hub.socket.drop();
    await vi.advanceTimersByTimeAsync(13_000);
    const findings = await examined;
    expect(findings).toMatchObject({ websocket: "fails", longPoll: "fails", udp: "untried" });
    expect(assess(findings, at.hostname).verdict).toBe("nothing");
  });
});
