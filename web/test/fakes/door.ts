import { vi } from "vitest";
import type { Welcome } from "../../src/protocol/handshake.ts";
import { Socket } from "./hub.ts";

/** One request of the long poll that waits for a test to answer it. */
export interface Request {
  path: string;
  link: string | null;
  body: { messages?: { type: string; seq?: number; ack?: number; data?: unknown }[]; received?: number; got?: number };
  raw: string;
  keepalive: boolean;
  aborted(): boolean;
  /** Answers it, as the hub does unless other headers are given. */
  answer(status: number, body?: unknown, headers?: Record<string, string>): Promise<void>;
  /** Fails it as a network does. */
  fail(): Promise<void>;
}

/** Lets what waits for answered requests go on. */
export const settle = () =>
  vi.isFakeTimers() ? vi.advanceTimersByTimeAsync(0) : new Promise((done) => setTimeout(done));

/** The other end of the long poll, request by request, in the place of fetch until vi.unstubAllGlobals. */
export class PollDoor {
  readonly requests: Request[] = [];
  /** Whether sends are answered by themselves, all but a hello. */
  receives = false;
  #received = 0;
  #responses = 1;

  constructor() {
    vi.stubGlobal("fetch", (url: URL, init: RequestInit = {}) => this.#take(url, init));
  }

  /** The newest request to a path that has no answer yet. */
  get send(): Request {
    return this.#newest("/v1/link/send");
  }
  get poll(): Request {
    return this.#newest("/v1/link/poll");
  }

  of(path: string): Request[] {
    return this.requests.filter((request) => request.path === path);
  }

  /** Answers a hello. */
  async welcome(more: Partial<Welcome> = {}): Promise<void> {
    this.#responses = 1;
    await this.send.answer(200, { response: 1, messages: [welcome(more)] });
  }

  /** Answers the poll under way with the next response. */
  async deliver(...messages: unknown[]): Promise<void> {
    await this.poll.answer(200, { response: ++this.#responses, messages });
  }

  #newest(path: string): Request {
    const newest = this.of(path).at(-1);
    if (!newest) throw new Error(`nothing was asked of ${path}`);
    return newest;
  }

  #take(url: URL, { body, headers = {}, signal, keepalive = false }: RequestInit): Promise<Response> {
    return new Promise((resolve, reject) => {
      const raw = String(body ?? "{}");
      const failed = () => reject(new TypeError("Failed to fetch"));
      signal?.addEventListener("abort", failed);
      const request: Request = {
        path: url.pathname,
        link: (headers as Record<string, string>).Authorization ?? null,
        body: JSON.parse(raw),
        raw,
        keepalive,
        aborted: () => signal?.aborted ?? false,
        answer: async (status, answer, headers = { "X-Sightline": "1" }) => {
          const text = answer === undefined ? null : JSON.stringify(answer);
          resolve(new Response(text, { status, headers }));
          await settle();
        },
        fail: async () => {
          failed();
          await settle();
        },
      };
      this.requests.push(request);
      if (!this.receives || !request.link || request.body.messages === undefined) return;
      for (const { seq } of request.body.messages) this.#received = Math.max(this.#received, seq ?? 0);
      void request.answer(200, { received: this.#received });
    });
  }
}

/** A welcome as it travels. */
export function welcome(more: Partial<Welcome> = {}): unknown {
  let raw = "";
  const socket = new Socket({
    opened: () => undefined,
    message: (message) => {
      raw = message;
    },
    alive: () => undefined,
    taken: () => 0,
    closed: () => undefined,
  });
  socket.welcome({ ping_s: 32, ...more });
  return JSON.parse(raw);
}
