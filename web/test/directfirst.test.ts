import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Link } from "../src/link/link.ts";
import type { Policy } from "../src/protocol/state.ts";
import { Hub } from "./fakes/hub.ts";
import { fakeRTC } from "./fakes/rtc.ts";
import { pass, stun, turn, Viewing } from "./fakes/viewing.ts";

const both = [...stun.urls, ...turn.urls];

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

const open = (policy: Partial<Policy> = {}, device = "dev_1") => Viewing.open(hub, link, policy, { device });

/** A session that comes to a relay after the direct path had its time. */
async function relayed(device = "dev_1"): Promise<Viewing> {
  const viewing = await open({}, device);
  await viewing.answer();
  await pass(hub, 700);
  await viewing.answer(2);
  await viewing.connect("relay");
  return viewing;
}

describe("a policy that prefers the direct path", () => {
  it("gathers without relays, and with them in a new offer once nothing has connected in time", async () => {
    const viewing = await open();
    expect([viewing.urls, viewing.peer.configuration.iceTransportPolicy]).toEqual([stun.urls, "all"]);
    await viewing.answer();
    await pass(hub, 699);
    expect([viewing.urls, viewing.restarts]).toEqual([stun.urls, []]);
    await pass(hub, 1);
    expect([viewing.urls, viewing.restarts]).toEqual([both, [2]]);
    expect(viewing.peer.local).toContain("u2");
  });

  it("never asks for relays when a direct path connects in time", async () => {
    const viewing = await open();
    await viewing.answer();
    await pass(hub, 650);
    await viewing.connect();
    await pass(hub, 20_000);
    expect([viewing.urls, viewing.restarts]).toEqual([stun.urls, []]);
  });

  it("gives checks half of the delay when the answer is late", async () => {
    const viewing = await open();
    await pass(hub, 3000);
    expect(viewing.restarts).toEqual([]);
    await viewing.answer();
    await pass(hub, 349);
    expect(viewing.restarts).toEqual([]);
    await pass(hub, 1);
    expect(viewing.restarts).toEqual([2]);
  });

  it("gathers relays at once without a delay", async () => {
    const viewing = await open({ relay_delay_ms: 0 });
    expect(viewing.urls).toEqual(both);
  });

  it("does not wait for the delay when ICE has failed", async () => {
    const viewing = await open({ relay_delay_ms: 5000 });
    await viewing.answer();
    viewing.peer.ice("failed");
    await pass(hub, 1);
    expect([viewing.urls, viewing.restarts]).toEqual([both, [2]]);
  });

  it("joins relays in the first restart after a direct path was lost", async () => {
    const viewing = await open();
    await viewing.answer();
    await viewing.connect();
    await pass(hub, 5000);
    viewing.peer.ice("disconnected");
    await pass(hub, 2999);
    expect([viewing.urls, viewing.restarts]).toEqual([stun.urls, []]);
    await pass(hub, 1);
    expect([viewing.urls, viewing.restarts]).toEqual([both, [2]]);
    await viewing.connect("relay");
    expect(localStorage.getItem("sightline:relays")).toBeNull();
  });

  it("waits with relays until the link is back", async () => {
    const viewing = await open();
    await viewing.answer();
    hub.socket.drop();
    await vi.advanceTimersByTimeAsync(749);
    expect(viewing.urls).toEqual(stun.urls);
    await vi.advanceTimersByTimeAsync(1);
    hub.greet({ resumed: true, received: 1 });
    await pass(hub, 1);
    expect([viewing.urls, viewing.restarts]).toEqual([both, [2]]);
  });

  it("restarts nothing where there are no relays to join", async () => {
    const viewing = await open();
    viewing.session.receive({ type: "ice_servers", session: viewing.session.id, data: { ice_servers: [stun] } });
    await viewing.answer();
    await pass(hub, 5000);
    expect(viewing.restarts).toEqual([]);
  });
});

describe("relays over UDP", () => {
  const tcp = { ...turn, urls: ["turn:192.0.2.1:3478?transport=tcp", "turns:192.0.2.1:443?transport=tcp"] };
  const all = [...both, ...tcp.urls];
  const seen = "candidate:2 1 udp 7 203.0.113.7 61000 typ srflx raddr 0.0.0.0 rport 0";
  const relay = "candidate:3 1 udp 5 198.51.100.9 50000 typ relay raddr 0.0.0.0 rport 0";
  const openAll = (policy: Partial<Policy> = {}, options = {}) =>
    Viewing.open(hub, link, policy, options, [stun, turn, tcp]);

  it("are all that is allocated where UDP is known to get through", async () => {
    const viewing = await openAll();
    viewing.peer.gather(seen);
    await viewing.answer();
    await pass(hub, 700);
    expect(viewing.urls).toEqual(both);
    viewing.peer.gather(relay);
    await viewing.answer(2);
    await viewing.connect("relay");
    await pass(hub, 10_000);
    expect([viewing.urls, viewing.restarts]).toEqual([both, [2]]);
    viewing.session.close("viewer_left");
    expect((await openAll()).urls).toEqual(both);
  });

  it("are asked together with the others where nothing is known of UDP", async () => {
    const viewing = await openAll();
    await viewing.answer();
    await pass(hub, 700);
    expect([viewing.urls, (await openAll({ relay_delay_ms: 0 })).urls]).toEqual([all, all]);
  });

  it("make room for all others when none is found in 750 ms", async () => {
    const viewing = await openAll();
    viewing.peer.gather(seen);
    await viewing.answer();
    await pass(hub, 700 + 749);
    expect([viewing.urls, viewing.restarts]).toEqual([both, [2]]);
    await pass(hub, 1);
    expect([viewing.urls, viewing.restarts]).toEqual([all, [2, 3]]);
    await pass(hub, 5000);
    expect(viewing.restarts).toEqual([2, 3]);
  });

  it("stay alone through restarts for other reasons", async () => {
    const viewing = await openAll();
    viewing.peer.gather(seen);
    await viewing.answer();
    await pass(hub, 700);
    viewing.peer.gather(relay);
    viewing.peer.ice("failed");
    await pass(hub, 1000);
    expect([viewing.urls, viewing.restarts]).toEqual([both, [2, 3]]);
  });

  it.each([
    ["the policy", { path: "relay_only", relay_delay_ms: 0 }, {}],
    ["the page", {}, { relayOnly: true }],
  ] as const)(
    "come first where %s wants no other path, and TCP at once when they were of no use",
    async (_, policy, options) => {
      const relays = (viewing: Viewing) => viewing.urls.filter((url) => url.startsWith("turn"));
      const viewing = await openAll(policy, options);
      expect(relays(viewing)).toEqual(turn.urls);
      await pass(hub, 750);
      expect([relays(viewing), viewing.restarts]).toEqual([[...turn.urls, ...tcp.urls], [2]]);
      viewing.peer.gather(relay);
      await viewing.answer(2);
      await viewing.connect({ candidateType: "relay", protocol: "tcp" }, "relay");
      viewing.session.close("viewer_left");
      expect(relays(await openAll(policy, options))).toEqual([...turn.urls, ...tcp.urls]);
    },
  );
});

describe("the memory of relays", () => {
  it("spares a camera's next viewers on the network the delay", async () => {
    (await relayed()).session.close("viewer_left");
    expect((await open()).urls).toEqual(both);
  });

  it("is of one camera and one kind of network", async () => {
    const connection = Object.assign(new EventTarget(), { type: "wifi" });
    vi.stubGlobal("navigator", { connection });
    await relayed();
    expect((await open({}, "dev_2")).urls).toEqual(stun.urls);
    connection.type = "cellular";
    expect((await open()).urls).toEqual(stun.urls);
    connection.type = "wifi";
    expect((await open()).urls).toEqual(both);
  });

  it("is gone once a session of them went direct", async () => {
    await relayed();
    const viewing = await open();
    await viewing.answer();
    await viewing.connect("relay");
    expect((await open()).urls).toEqual(both);
    viewing.peer.measure(60, "srflx");
    await pass(hub, 1000);
    expect((await open()).urls).toEqual(stun.urls);
  });

  it("ends after an hour, also where relays were gathered at once in the meantime", async () => {
    const viewing = await relayed();
    viewing.session.close("viewer_left");
    await pass(hub, 59 * 60_000);
    const later = await open();
    await later.answer();
    await later.connect("relay");
    later.session.close("viewer_left");
    await pass(hub, 2 * 60_000);
    expect((await open()).urls).toEqual(stun.urls);
  });

  it("does not come from sessions that did not try the direct path", async () => {
    const viewing = await open({ relay_delay_ms: 0 });
    await viewing.answer();
    await viewing.connect("relay");
    expect((await open()).urls).toEqual(stun.urls);
  });

  it("is of 64 cameras at most", async () => {
    for (let i = 0; i < 70; i++) (await relayed(`dev_${i}`)).session.close("viewer_left");
    expect(JSON.parse(localStorage.getItem("sightline:relays") ?? "")).toHaveLength(64);
  });
});

describe("a policy of one path", () => {
  const relay = "candidate:1 1 udp 5 198.51.100.9 50000 typ relay raddr 0.0.0.0 rport 0";
  const host = "candidate:2 1 udp 9 192.168.1.2 40000 typ host";
  const sent = () => hub.socket.of("candidate").map(({ data }) => data.candidate);

  it("direct_only never has a relay's URL, nor a relay's candidate of either end", async () => {
    const viewing = await open({ path: "direct_only", relay_delay_ms: 0 });
    await viewing.answer(1, { sdp: `v=0\r\na=${relay}\r\na=${host}\r\n` });
    viewing.candidate(relay);
    viewing.candidate(host);
    viewing.peer.gather(relay);
    viewing.peer.gather(host);
    expect(viewing.peer.remote).toBe(`v=0\r\na=${host}\r\n`);
    expect(viewing.peer.added.map(({ candidate }) => candidate)).toEqual([host]);
    expect(sent()).toEqual([host]);
    viewing.peer.ice("failed");
    await pass(hub, 60_000);
    expect(viewing.urls).toEqual(stun.urls);
    expect(viewing.ends).toEqual([{ reason: "ice_failed" }]);
  });

  it("relay_only asks relays alone, from the first offer on, and signals nothing else", async () => {
    const viewing = await open({ path: "relay_only", relay_delay_ms: 0 });
    await viewing.answer(1, { sdp: `v=0\r\na=${relay}\r\na=${host}\r\n` });
    viewing.peer.gather(host);
    viewing.peer.gather(relay);
    expect([viewing.urls, viewing.peer.configuration.iceTransportPolicy]).toEqual([turn.urls, "relay"]);
    expect(viewing.peer.remote).toBe(`v=0\r\na=${relay}\r\n`);
    expect([sent(), viewing.restarts]).toEqual([[relay], []]);
  });

  it.each([
    ["direct_only", stun.urls, "all"],
    ["relay_only", turn.urls, "relay"],
  ] as const)("is obeyed at once when a session becomes %s", async (path, urls, transport) => {
    const viewing = await open();
    await viewing.answer();
    await viewing.connect();
    await viewing.policy({ path });
    expect([viewing.urls, viewing.peer.configuration.iceTransportPolicy]).toEqual([urls, transport]);
    expect(viewing.restarts).toEqual([2]);
  });

  it("that is freed looks for the other path, unless it is direct already", async () => {
    const direct = await open({ path: "direct_only" });
    await direct.answer();
    await direct.connect();
    await direct.policy({ path: "prefer_direct" });
    expect(direct.restarts).toEqual([]);
    direct.session.close("viewer_left");
    const relayed = await open({ path: "relay_only" });
    await relayed.answer();
    await relayed.connect("relay", "relay");
    await relayed.policy({ path: "prefer_direct" });
    expect([relayed.urls, relayed.restarts]).toEqual([both, [2]]);
  });
});
