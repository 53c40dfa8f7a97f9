import { FALLBACK_REASONS, type Fallback } from "../protocol/fallback.ts";

/** Where networks are remembered in localStorage, how many at most, and for how long (milliseconds). */
const place = "sightline:networks";
const most = 16;
const usualTerm = 15 * 60_000;

interface Entry extends Fallback {
  network: string;
  until: number;
}

/**
 * Remembers on which networks no WebSocket gets to a hub, for a while. A page knows little of its network, so it
 * forgets soon. Without storage it remembers nothing, and nothing else changes.
 */
export class Memory {
  readonly #hub: string;
  readonly #term: number;

  /** term is for how many milliseconds a network is remembered. */
  constructor(hub: URL, term: number = usualTerm) {
    this.#hub = hub.origin;
    this.#term = term;
  }

  /** Why there was no WebSocket on this network. */
  recall(): Fallback | undefined {
    const { reason, detail } = this.#entries().find(({ network }) => network === this.#network) ?? {};
    if (reason === undefined) return undefined;
    return detail === undefined ? { reason } : { reason, detail };
  }

  /** Notes that there is no WebSocket on this network. */
  remember(fallback: Fallback): void {
    const entry: Entry = { network: this.#network, until: Date.now() + this.#term, ...fallback };
    this.#write([entry, ...this.#others()].slice(0, most));
  }

  /** Notes that there is one. */
  forget(): void {
    if (this.recall()) this.#write(this.#others());
  }

  /** The hub, and all that a browser tells of the network: its kind, or not even that. */
  get #network(): string {
    return `${this.#hub} ${networkType() ?? ""}`;
  }

  #others(): Entry[] {
    return this.#entries().filter(({ network }) => network !== this.#network);
  }

  #entries(): Entry[] {
    const now = Date.now();
    try {
      const entries: unknown = JSON.parse(localStorage.getItem(place) ?? "[]");
      if (!Array.isArray(entries)) return [];
      return entries.filter((entry) => isEntry(entry) && entry.until > now && entry.until <= now + this.#term);
    } catch {
      return [];
    }
  }

  #write(entries: Entry[]): void {
    try {
      if (entries.length > 0) localStorage.setItem(place, JSON.stringify(entries));
      else localStorage.removeItem(place);
    } catch {
      // No storage, or none left.
    }
  }
}

/** What kind of network the browser says it is on, where it says so. */
export function networkType(): string | undefined {
  return (globalThis.navigator as { connection?: { type?: string } } | undefined)?.connection?.type;
}

function isEntry(value: unknown): value is Entry {
  const { network, until, reason, detail } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof network === "string" &&
    typeof until === "number" &&
    FALLBACK_REASONS.some((known) => known === reason) &&
    (detail === undefined || typeof detail === "string")
  );
}
