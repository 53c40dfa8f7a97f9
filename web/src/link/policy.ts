import type { Door, Fallback } from "../protocol/fallback.ts";
import { TIMES } from "../protocol/limits.ts";
import { inquire } from "./inquiry.ts";
import { Memory } from "./memory.ts";

/** When a link leaves the WebSocket for the long poll and when it looks for the WebSocket again. Milliseconds. */
export interface FallbackTimes {
  /** What brings no welcome for so long has failed. */
  hello: number;
  /** So many WebSockets in a row that brought no welcome are enough. */
  failures: number;
  /** So many in a row that were lost sooner than this after their welcome are enough too. */
  cuts: number;
  cutWithin: number;
  /** How long to wait for each next try of a WebSocket beside the long poll; the last of them repeats. */
  probes: readonly number[];
  /** How long a network without WebSockets is remembered; 0 is never. */
  remember: number;
}

const minute = 60_000;

/** What a link does unless told otherwise. */
export const FALLBACK_TIMES: FallbackTimes = {
  hello: TIMES.hello,
  failures: 2,
  cuts: 3,
  cutWithin: 30_000,
  probes: [minute, 5 * minute, 15 * minute],
  remember: 15 * minute,
};

/** Decides by which door a link comes, from what became of its carriers. */
export class FallbackPolicy {
  readonly #hub: URL;
  readonly #times: FallbackTimes;
  readonly #memory: Memory;
  /** Whether there is a choice. */
  readonly #both: boolean;
  #door: Door;
  /** Why it is not the WebSocket. */
  #why: Fallback | undefined;
  #failures = 0;
  #cuts = 0;
  #probes = 0;
  /** What an inquiry found; it is asked once for a row of failures. */
  #found: Promise<void> | undefined;
  #finding: Fallback | undefined;
  /** Whether the WebSocket may have failed with the network or the hub, so that it is looked for at once. */
  #doubtful = false;
  /** Whether a WebSocket has lived on this network. */
  #proven = false;

  constructor(hub: URL, doors: readonly Door[], times: FallbackTimes) {
    this.#hub = hub;
    this.#times = times;
    this.#memory = new Memory(hub, times.remember);
    this.#both = doors.length > 1;
    this.#door = doors.includes("websocket") ? "websocket" : "long_poll";
    this.#recall();
  }

  /** The door to come by next. */
  get door(): Door {
    return this.#door;
  }

  /** Why that is not the WebSocket. */
  get fallback(): Fallback | undefined {
    return this.#door === "websocket" ? undefined : this.#why;
  }

  /** How many milliseconds after a welcome by the long poll the WebSocket is tried beside it; undefined is never. */
  get probeAfter(): number | undefined {
    if (!this.#both) return undefined;
    const { probes } = this.#times;
    return this.#doubtful ? 0 : probes[Math.min(this.#probes, probes.length - 1)];
  }

  /**
   * A carrier brought no welcome; opened is whether it came as far as to say hello. Returns whether to come by another
   * door at once.
   */
  failed(door: Door, opened: boolean): boolean {
    if (!this.#both) return false;
    if (door === "long_poll") {
      this.#doubtful = true;
      this.#turn();
      return false;
    }
    this.#failures++;
    if (this.#failures < this.#times.failures) {
      if (!opened) this.#inquire();
      return false;
    }
    // Where one has lived, it is more likely that the hub was away.
    this.#doubtful ||= this.#proven;
    this.#fallBack(opened ? silent : (this.#finding ?? { reason: "unknown" }));
    return true;
  }

  /** The hub itself refused a carrier for now: it may have refused the WebSockets before it for the same reason. */
  refused(door: Door): void {
    if (this.#both && door === "long_poll") this.#turn();
  }

  /** The hub said welcome to a link's carrier. */
  welcome(door: Door): void {
    if (!this.#both) return;
    this.#failures = 0;
    this.#door = door;
    this.#found = undefined;
    this.#finding = undefined;
    if (door === "long_poll") {
      this.#remember();
      return;
    }
    this.#doubtful = false;
    // One that is cut again goes straight back.
    if (this.#cuts < this.#times.cuts) this.#memory.forget();
  }

  /**
   * A carrier was lost so long after its welcome; byHub is whether the hub itself closed it. Returns whether to come by
   * another door at once.
   */
  lost(door: Door, lived: number, byHub: boolean): boolean {
    if (!this.#both || door === "long_poll") return false;
    if (lived >= this.#times.cutWithin) {
      this.#cuts = 0;
      this.#probes = 0;
      this.#proven = true;
      this.#memory.forget();
    }
    if (lived >= this.#times.cutWithin || byHub) return false;
    this.#cuts++;
    if (this.#cuts < this.#times.cuts) return false;
    this.#fallBack({
      reason: "cut",
      detail: `${this.#cuts} in a row lived less than ${this.#times.cutWithin / 1000} s`,
    });
    return true;
  }

  /** A WebSocket beside the long poll brought no welcome, so it is blocked for certain. */
  probeFailed(): void {
    this.#probes++;
    this.#doubtful = false;
    this.#remember();
  }

  /** A WebSocket beside the long poll was welcome; should it be cut again, the next one waits longer. */
  probeWelcome(): void {
    this.#probes++;
  }

  /** Another network: what was seen on the last one says nothing of it. */
  moved(live: boolean): void {
    this.#failures = 0;
    this.#cuts = 0;
    this.#probes = 0;
    this.#proven = false;
    if (!this.#both || (live && this.#door === "long_poll")) return;
    this.#door = "websocket";
    this.#recall();
  }

  #recall(): void {
    const known = this.#both && this.#times.remember > 0 ? this.#memory.recall() : undefined;
    if (known) this.#fallBack(known);
  }

  #remember(): void {
    if (this.#why && !this.#doubtful && this.#times.remember > 0) this.#memory.remember(this.#why);
  }

  #fallBack(why: Fallback): void {
    this.#door = "long_poll";
    this.#why = why;
  }

  /** One WebSocket, then the long poll again. */
  #turn(): void {
    this.#door = "websocket";
    this.#failures = this.#times.failures - 1;
  }

  #inquire(): void {
    this.#found ??= inquire(this.#hub).then((finding) => {
      this.#finding = finding;
    });
  }
}

const silent: Fallback = { reason: "silent" };
