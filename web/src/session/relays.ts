import { Networks, networkOf } from "../link/networks.ts";
import type { ICEServer } from "../protocol/handshake.ts";
import type { PathKind } from "../protocol/session.ts";
import type { PathPolicy, Policy } from "../protocol/state.ts";
import { isRelay } from "./servers.ts";

/** What a policy says of gathering. */
export type Gathering = Pick<Policy, "path" | "relay_delay_ms">;

/**
 * For how long it is remembered that a camera was reached from a network by a relay alone (milliseconds), and of how many
 * pairs. A wrong memory costs an allocation, none at all costs the relay delay: so once an hour is often enough.
 */
const term = 60 * 60_000;
const most = 64;

/** Without an answer nothing is tried, so of the delay this share is left to the time after it. */
const shareAfterAnswer = 0.5;

/** What relays are made with. */
export interface RelaysOptions {
  hub: URL;
  device: string;
  /** Whether to use relays only, whatever the hub's policy allows. */
  relayOnly: boolean;
  /** Nothing has connected in the time that the direct path is given: now is the time for join and an ICE restart. */
  due(): void;
}

/**
 * Decides when a viewer gathers relays: at once, after the direct path had its time, or never. A browser that has them
 * from the start pays for each session and gives up early on what takes longer, such as ICE-TCP.
 */
export class Relays {
  readonly #options: RelaysOptions;
  readonly #memory = new Networks<object>({ place: "sightline:relays", term, most, valid: () => true });
  #servers: ICEServer[] = [];
  #path: PathPolicy = "prefer_direct";
  #delay = 0;
  #joined = false;
  #connected = false;
  /** Whether the direct path had its time on this network, in vain so far. */
  #triedDirect = false;
  #begun = 0;
  #answered: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RelaysOptions) {
    this.#options = options;
  }

  /** Begins with what welcome said of the policy. */
  begin({ path, relay_delay_ms }: Gathering): void {
    this.#path = path;
    this.#delay = relay_delay_ms;
    this.#begun = Date.now();
    this.#joined = this.#delay === 0 || this.#memory.recall(this.#pair) !== undefined;
  }

  /** Uses other servers. */
  use(servers: ICEServer[]): void {
    this.#servers = servers;
  }

  /** Follows a policy that has changed; true when what was gathered so far is too much for it, or too little. */
  follow({ path, relay_delay_ms }: Gathering): boolean {
    const before = this.#path;
    this.#path = path;
    this.#delay = relay_delay_ms;
    this.#plan();
    if (path === before || this.#options.relayOnly) return false;
    return path !== "prefer_direct" || before === "relay_only" || !this.#connected;
  }

  /** Notes an answer: from now on checks are made. */
  answered(): void {
    this.#answered ??= Date.now();
    this.#plan();
  }

  /** Notes whether there is a way. */
  connected(connected: boolean): void {
    this.#connected = connected;
    this.#plan();
  }

  /** Lets relays take part from now on, as far as the policy does. */
  join(): void {
    if (!this.#joined && !this.#connected && this.#answered !== undefined) this.#triedDirect = true;
    this.#joined = true;
    this.stop();
  }

  /** Notes which path was found, for the next look at this camera from this network. */
  took(kind: PathKind): void {
    if (kind === "direct") this.#memory.forget(this.#pair);
    else if (this.#triedDirect) this.#memory.remember(this.#pair, {});
  }

  /** Forgets what was tried: the network is another one. */
  moved(): void {
    this.#triedDirect = false;
  }

  /** How to gather now. */
  configuration(): RTCConfiguration {
    const relayOnly = this.#options.relayOnly || this.#path === "relay_only";
    const relays = this.#path !== "direct_only" && (this.#joined || relayOnly);
    const stun = this.#path !== "relay_only";
    const iceServers = this.#servers
      .map((server) => ({ ...server, urls: server.urls.filter((url) => (isRelay(url) ? relays : stun)) }))
      .filter(({ urls }) => urls.length > 0);
    return { bundlePolicy: "max-bundle", iceTransportPolicy: relayOnly ? "relay" : "all", iceServers };
  }

  /** Plans nothing more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The network and the camera: whether a relay is needed depends on both ends. */
  get #pair(): string {
    return `${networkOf(this.#options.hub)} ${this.#options.device}`;
  }

  #plan(): void {
    this.stop();
    if (this.#joined || this.#connected || this.#answered === undefined || this.#path !== "prefer_direct") return;
    if (!this.#servers.some(({ urls }) => urls.some(isRelay))) return;
    const due = Math.max(this.#begun + this.#delay, this.#answered + this.#delay * shareAfterAnswer);
    this.#timer = setTimeout(() => this.#options.due(), Math.max(0, due - Date.now()));
  }
}
