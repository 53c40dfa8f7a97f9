/** What is remembered of one network. */
type Entry<T> = T & { network: string; until: number };

/** Where and for how long something is remembered. */
export interface NetworksOptions<T> {
  /** The key in localStorage. */
  place: string;
  /** For how many milliseconds, and how many of them at most. */
  term: number;
  most: number;
  /** Tells whether a stored entry is whole: storage may hold anything. */
  valid(entry: Partial<T>): boolean;
}

/**
 * Remembers something of networks, for a while. A page knows little of its network, so it should forget soon. Without
 * storage it remembers nothing, and nothing else changes.
 */
export class Networks<T extends object> {
  readonly #options: NetworksOptions<T>;

  constructor(options: NetworksOptions<T>) {
    this.#options = options;
  }

  /** What is known of a network. */
  recall(network: string): T | undefined {
    const entry = this.#entries().find((entry) => entry.network === network);
    if (!entry) return undefined;
    const { network: _, until: __, ...known } = entry;
    return known as unknown as T;
  }

  /** Notes something of a network; the oldest note makes room. */
  remember(network: string, known: T): void {
    const { term, most } = this.#options;
    const entry = { network, until: Date.now() + term, ...known };
    this.#write([entry, ...this.#others(network)].slice(0, most));
  }

  /** Drops what is known of a network. */
  forget(network: string): void {
    if (this.recall(network)) this.#write(this.#others(network));
  }

  #others(network: string): Entry<T>[] {
    return this.#entries().filter((entry) => entry.network !== network);
  }

  #entries(): Entry<T>[] {
    const now = Date.now();
    const { place, term, valid } = this.#options;
    try {
      const entries: unknown = JSON.parse(localStorage.getItem(place) ?? "[]");
      if (!Array.isArray(entries)) return [];
      return entries.filter((entry: Partial<Entry<T>> | null) => {
        if (typeof entry?.network !== "string" || typeof entry.until !== "number") return false;
        return entry.until > now && entry.until <= now + term && valid(entry);
      });
    } catch {
      return [];
    }
  }

  #write(entries: Entry<T>[]): void {
    const { place } = this.#options;
    try {
      if (entries.length > 0) localStorage.setItem(place, JSON.stringify(entries));
      else localStorage.removeItem(place);
    } catch {
      // No storage, or none left.
    }
  }
}

/** The hub, and all that a browser tells of the network: its kind, or not even that. */
export function networkOf(hub: URL): string {
  return `${hub.origin} ${networkType() ?? ""}`;
}

/** What kind of network the browser says it is on, where it says so. */
export function networkType(): string | undefined {
  return (globalThis.navigator as { connection?: { type?: string } } | undefined)?.connection?.type;
}
