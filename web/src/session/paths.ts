import type { Network } from "../protocol/network.ts";
import type { Path } from "../protocol/session.ts";
import type { PathPolicy, Policy } from "../protocol/state.ts";
import { type RelayReason, relayReason } from "./reason.ts";
import { RelayTime } from "./relaytime.ts";
import { Scout } from "./scout.ts";

/** What a person may want to know of the path. Times are milliseconds since the session was asked for. */
export interface PathDetails {
  /** What made it: ice, predicted, mapped, ipv6, tcp or relay. */
  means: string;
  /** When there was a path at all, and when the newest direct one began; undefined if there was none. */
  firstMs: number;
  directMs: number | undefined;
  /** Why it is a relay's; undefined for a direct one. */
  why: RelayReason | undefined;
}

/** What paths are watched with. */
export interface PathsOptions {
  /** Whether this page asked for relays only. */
  relayOnly: boolean;
  /** The types of the device's candidates. */
  remoteTypes: ReadonlySet<string>;
  /** More is known of the viewer's network. */
  network(network: Network): void;
  /** The time that the policy gives the relay path is used up. */
  spent(): void;
}

/** What a session knows of its paths: which it takes, since when, why it is a relay's and for how long it may be. */
export class Paths {
  readonly scout: Scout;
  readonly #options: PathsOptions;
  readonly #relayTime: RelayTime;
  #policy: PathPolicy | undefined;
  #path: Path | undefined;
  #since = 0;
  #firstMs = 0;
  #directMs: number | undefined;

  constructor(options: PathsOptions) {
    this.#options = options;
    this.scout = new Scout((network) => options.network(network));
    this.#relayTime = new RelayTime(() => options.spent());
  }

  /** What is known of the path now; undefined before there is one. */
  get details(): PathDetails | undefined {
    const path = this.#path;
    if (!path) return undefined;
    return {
      means: path.means,
      firstMs: this.#firstMs,
      directMs: this.#directMs,
      why: path.kind === "relay" ? this.#why : undefined,
    };
  }

  /** Whether a session that ends now for its quota does so because of its time on the relay path. */
  get timeIsUp(): boolean {
    return this.#relayTime.up;
  }

  /** Takes a path that is not the one before. */
  take(path: Path): void {
    const { kind, after_ms: after = 0 } = path;
    if (!this.#path) this.#firstMs = after;
    if (kind !== this.#path?.kind) {
      this.#since = Date.now();
      if (kind === "direct") this.#directMs = after;
      this.#relayTime.path(kind);
    }
    this.#path = path;
    this.scout.path(path);
  }

  /** Follows a policy. */
  follow({ path, max_relay_s }: Policy): void {
    this.#policy = path;
    this.#relayTime.allow(max_relay_s);
  }

  /** Counts no more. */
  stop(): void {
    this.#relayTime.stop();
    this.scout.stop();
  }

  get #why(): RelayReason {
    return relayReason({
      asked: this.#options.relayOnly,
      policy: this.#policy,
      network: this.scout.network,
      remote: this.#options.remoteTypes,
      since: Date.now() - this.#since,
    });
  }
}
