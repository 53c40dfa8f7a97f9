/** How long ICE may stay disconnected before a restart: a Wi-Fi roam takes one to two seconds. */
const patience = 3000;
/** The same before media ever had a way: a device adds its relay late, as a last resort, and says so by itself. */
const firstPatience = 8000;
/** The waits between restarts, in milliseconds; after the last one the session is given up. */
const waits = [0, 1000, 2000, 4000];
/** How long a restart may take before it counts as failed: an answer, the checks, a relay as last resort. */
const restartWithin = 6000;

/** What a recovery asks for. */
export interface RecoveryEvents {
  /** Restarts ICE; false when that has to wait for the link, after which resume is called. */
  restart(): boolean;
  /** ICE stays failed: the session is over. */
  failed(): void;
}

/** Decides when to restart ICE, and when to stop trying. */
export class Recovery {
  readonly #events: RecoveryEvents;
  #tries = 0;
  #connected = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #plan: "none" | "patience" | "restart" | "watch" = "none";

  constructor(events: RecoveryEvents) {
    this.#events = events;
  }

  /** Takes in what the peer connection says of its ICE. */
  state(state: RTCIceConnectionState): void {
    if (state === "connected" || state === "completed") {
      this.stop();
      this.#tries = 0;
      this.#connected = true;
    } else if (state === "disconnected" && this.#plan === "none") {
      this.#after("patience", this.#connected ? patience : firstPatience, () => this.#restart());
    } else if (state === "failed" && this.#plan !== "restart") {
      this.#failed();
    }
  }

  /** Restarts at once, because the other end asked for it or the link is back. */
  now(): void {
    this.stop();
    this.#restart();
  }

  /** Forgets what was planned. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#plan = "none";
  }

  #failed(): void {
    this.stop();
    const wait = waits[this.#tries];
    if (wait === undefined) this.#events.failed();
    else this.#after("restart", wait, () => this.#restart());
  }

  #restart(): void {
    this.#plan = "none";
    if (!this.#events.restart()) return;
    this.#tries++;
    this.#after("watch", restartWithin, () => this.#failed());
  }

  #after(plan: "patience" | "restart" | "watch", wait: number, then: () => void): void {
    this.#plan = plan;
    this.#timer = setTimeout(then, wait);
  }
}
