import { LIMITS } from "../protocol/limits.ts";
import { addressOf } from "../protocol/poll.ts";

/** What came back for one request. */
export interface Answer {
  status: number;
  /** The JSON of the body; undefined when it is none. */
  body: unknown;
  /** Milliseconds of Retry-After; 0 without one. */
  retryMs: number;
  /** Whether the server itself has answered, rather than something in between. */
  ofHub: boolean;
}

/** The HTTP requests of one carrier, which all end with it. */
export class Requester {
  readonly #hub: URL;
  readonly #over = new AbortController();

  constructor(hub: URL) {
    this.#hub = hub;
  }

  /** Posts a body and waits for the whole answer; undefined when none came in time. Never throws. */
  async post(path: string, body: string, link: string | undefined, within: number): Promise<Answer | undefined> {
    const request = new AbortController();
    const abort = () => request.abort();
    const timer = setTimeout(abort, within);
    this.#over.signal.addEventListener("abort", abort);
    try {
      const response = await fetch(addressOf(this.#hub, path), { ...asked(body, link), signal: request.signal });
      const text = response.status === 204 ? "" : await response.text();
      return {
        status: response.status,
        body: text.length > 2 * LIMITS.parcelBytes ? undefined : read(text),
        retryMs: (Number(response.headers.get("Retry-After")) || 0) * 1000,
        ofHub: response.headers.has("X-Sightline"),
      };
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
      this.#over.signal.removeEventListener("abort", abort);
    }
  }

  /** Posts a body that nobody waits for; kept alive, it goes out even if the page is going. */
  last(path: string, body: string, link: string, keepalive: boolean): void {
    void fetch(addressOf(this.#hub, path), { ...asked(body, link), keepalive }).catch(() => undefined);
  }

  /** Waits, at most until abort. */
  pause(ms: number): Promise<void> {
    const { signal } = this.#over;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
    });
  }

  /** Gives up every request and every pause. */
  abort(): void {
    this.#over.abort();
  }
}

function asked(body: string, link: string | undefined): RequestInit {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (link !== undefined) headers.Authorization = link;
  return { method: "POST", headers, body, cache: "no-store", credentials: "omit", redirect: "error" };
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
