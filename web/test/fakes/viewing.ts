import { vi } from "vitest";
import type { Link } from "../../src/link/link.ts";
import type { ICEServer } from "../../src/protocol/handshake.ts";
import type { Path } from "../../src/protocol/session.ts";
import type { Policy } from "../../src/protocol/state.ts";
import type { SessionEnd, SessionOptions } from "../../src/session/options.ts";
import { Session } from "../../src/session/session.ts";
import { grant, type Hub } from "./hub.ts";
import { type End, FakePeer } from "./rtc.ts";

export const stun = { urls: ["stun:192.0.2.1:3478"] };
export const turn = { urls: ["turn:192.0.2.1:3478?transport=udp"], username: "u", credential: "c" };

/** One session of a link, opened on a hub that has a policy. */
export class Viewing {
  readonly ends: SessionEnd[] = [];
  readonly session: Session;
  readonly peer: FakePeer;
  readonly #hub: Hub;
  #policy: Policy;

  private constructor(hub: Hub, link: Link, policy: Policy, options: Partial<SessionOptions>) {
    this.#hub = hub;
    this.#policy = policy;
    this.session = new Session(link, { device: "dev_1", ...options });
    this.session.events.on("ended", (end) => this.ends.push(end));
    this.peer = FakePeer.newest;
  }

  /** Opens a session of which welcome has told the policy. */
  static async open(
    hub: Hub,
    link: Link,
    policy: Partial<Policy> = {},
    options: Partial<SessionOptions> = {},
    servers: ICEServer[] = [stun, turn],
  ): Promise<Viewing> {
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    const whole: Policy = { path: "prefer_direct", relay_delay_ms: 700, expires, ...policy };
    const viewing = new Viewing(hub, link, whole, options);
    void viewing.session.open(servers, grant, whole);
    await settle();
    const head = { re: hub.socket.of("open").at(-1)?.id ?? 0, session: viewing.session.id };
    hub.socket.send("opened", { policy: whole, expires }, head);
    return viewing;
  }

  /** The hub changes the policy. */
  async policy(policy: Partial<Policy>): Promise<void> {
    this.#policy = { ...this.#policy, ...policy };
    this.#hub.socket.send("policy", this.#policy, { session: this.session.id });
    await settle();
  }

  /** The device answers an offer. */
  async answer(
    revision = 1,
    more: { sdp?: string; origins?: { address: string; means: string }[] } = {},
  ): Promise<void> {
    const answer = { revision, kind: "answer", sdp: "answer", ...more } as const;
    this.#hub.socket.send("describe", answer, { session: this.session.id });
    await settle();
  }

  /** The device tells a candidate. */
  candidate(candidate: string, more: { revision?: number; means?: string } = {}): void {
    const data = { revision: 1, candidate, mid: "0", mline: 0, ...more };
    this.#hub.socket.send("candidate", data, { session: this.session.id });
  }

  /** The browser has found a pair. */
  async connect(local: End = "host", remote: End = "host"): Promise<void> {
    this.peer.measure(30, local, remote);
    this.peer.ice("connected");
    await settle();
  }

  /** The browser says that it uses another pair. */
  async pair(local: End, remote: End): Promise<void> {
    this.peer.measure(30, local, remote);
    this.peer.iceTransport.dispatchEvent(new Event("selectedcandidatepairchange"));
    await settle();
  }

  /** The paths that were told. */
  get paths(): Path[] {
    return this.#hub.socket.of("path").map(({ data }) => data);
  }

  /** The revisions of the offers after the first. */
  get restarts(): number[] {
    return this.#hub.socket.of("describe").map(({ data }) => data.revision);
  }

  /** The URLs that the browser gathers with. */
  get urls(): string[] {
    return (this.peer.configuration.iceServers ?? []).flatMap(({ urls }) => urls);
  }
}

/** Gives promises their turn without letting time pass. */
export const settle = () => vi.advanceTimersByTimeAsync(0);

/** Lets time pass on a link that is alive. */
export async function pass(hub: Hub, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 500) {
    hub.socket.send("ping", undefined);
    await vi.advanceTimersByTimeAsync(Math.min(left, 500));
  }
}
