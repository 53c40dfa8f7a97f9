/** The lease is extended when a fifth of it is left, at most five minutes and at least one second before its end. */
const share = 0.2;
const mostAhead = 300_000;
const leastAhead = 1000;

/** What a lease asks for. */
export interface LeaseEvents {
  /** Time to extend. */
  due(): void;
  /** It passed: both ends end the session, link or no link. */
  expired(): void;
}

/** Watches the time that a session may live. */
export class Lease {
  readonly #events: LeaseEvents;
  #until = 0;
  #due: ReturnType<typeof setTimeout> | undefined;
  #end: ReturnType<typeof setTimeout> | undefined;

  constructor(events: LeaseEvents) {
    this.#events = events;
  }

  /** Sets the end, in milliseconds of the hub's clock. One that is no later than the present end plans no extension. */
  set(until: number, hubNow: number): void {
    const later = until > this.#until;
    const left = until - hubNow;
    this.stop();
    this.#until = until;
    this.#end = setTimeout(() => this.#events.expired(), Math.max(0, left));
    const ahead = Math.max(leastAhead, Math.min(mostAhead, left * share));
    if (later) this.#due = setTimeout(() => this.#events.due(), Math.max(0, left - ahead));
  }

  /** Watches no more. */
  stop(): void {
    clearTimeout(this.#due);
    clearTimeout(this.#end);
  }
}
