import { Core } from "../../src/link/core.ts";
import type { Connect } from "../../src/link/transport.ts";
import { decode, encode } from "../../src/protocol/codec.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import type { Door } from "../../src/protocol/fallback.ts";
import type { Hello } from "../../src/protocol/handshake.ts";
import { welcome } from "./door.ts";

/** What a hub has at its end of one carrier. */
interface End {
  door: Door;
  write(message: Envelope): void;
  end(): void;
}

/** What the network does, each a chance from 0 to 1. */
export interface Weather {
  /** A WebSocket is let through. */
  upgrade: number;
  /** A request or its answer is lost. */
  loss: number;
}

/**
 * A hub of one link with both doors, as docs/protocol.md tells it, behind a network that delays, loses and cuts. Its
 * logic of numbers is that of the client: the two ends are alike.
 */
export class ModelHub {
  /** The numbers that arrived, in their order. */
  readonly got: number[] = [];
  /** How often each door became the live one. */
  readonly turns: Record<Door, number> = { websocket: 0, long_poll: 0 };
  weather: Weather = { upgrade: 1, loss: 0 };
  readonly #random: () => number;
  readonly #core = new Core(Date.now());
  readonly #session: string;
  #known = false;
  #live: End | undefined;
  #provisional: End | undefined;
  #poll: PollEnd | undefined;
  #cuts: (() => void)[] = [];

  constructor(random: () => number, session: string) {
    this.#random = random;
    this.#session = session;
  }

  /** How many messages of the hub the client has not acknowledged. */
  get roomy(): boolean {
    return this.#core.roomy;
  }

  /** Sends a number. */
  post(n: number): void {
    const data = { revision: 1, candidate: "candidate:1", mline: n };
    this.#core.send({ type: "candidate", session: this.#session, data });
    this.#pump();
  }

  /** Cuts every WebSocket; the hub hears of it, or goes on with a ghost. */
  cut(): void {
    for (const cut of this.#cuts.splice(0)) cut();
  }

  /** The WebSocket door. */
  readonly connect: Connect = (_, events) => {
    const end = { door: "websocket" as const, write: (_: Envelope) => {}, end: () => {} };
    const up = this.#pipe((raw) => this.#take(end, decode(raw)));
    const down = this.#pipe((raw) => events.message(raw));
    let over = false;
    const lose = (code: number) => {
      if (over) return;
      over = true;
      setTimeout(() => events.closed(code), this.#random() * 100);
    };
    const { upgrade } = this.weather;
    if (this.#random() >= upgrade) lose(1006);
    else setTimeout(() => over || events.opened(), this.#random() * 50);
    end.write = (message) => over || down(encode(message));
    end.end = () => lose(4001);
    this.#cuts.push(() => {
      lose(1006);
      if (this.#random() < 0.5) this.#leave(end);
    });
    return {
      send: (raw) => over || up(raw),
      close: () => {
        if (!over && this.#random() < 0.7) setTimeout(() => this.#leave(end), this.#random() * 100);
        over = true;
      },
    };
  };

  /** The long poll door, in the place of fetch. */
  readonly fetch = async (url: URL, { body, headers = {}, signal }: RequestInit): Promise<Response> => {
    const sooner = new Promise<never>((_, reject) => {
      signal?.addEventListener("abort", () => reject(new TypeError("aborted")));
    });
    const way = async () => {
      await this.#wait();
      if (this.#random() < this.weather.loss) throw new TypeError("lost");
    };
    const travel = async () => {
      await way();
      const answer = await this.#serve(url.pathname, JSON.parse(String(body)), "Authorization" in headers);
      await way();
      return new Response(answer.body === undefined ? null : JSON.stringify(answer.body), { status: answer.status });
    };
    return Promise.race([travel(), sooner]);
  };

  async #serve(path: string, body: PollBody, known: boolean): Promise<{ status: number; body?: unknown }> {
    if (!known) {
      this.#poll = new PollEnd();
      this.#take(this.#poll, decode(JSON.stringify(body.messages?.[0])));
      return { status: 200, body: this.#poll.respond() };
    }
    const end = this.#poll;
    if (!end || end.over) return { status: 410, body: { close: 4001, error: { code: "going_away", message: "" } } };
    if (path.endsWith("/send")) {
      for (const message of body.messages ?? []) this.#take(end, decode(JSON.stringify(message)));
      return { status: 200, body: { received: this.#core.received } };
    }
    this.#take(end, { type: "ack", data: undefined, ack: body.received ?? 0 });
    return (await end.poll(body.got ?? 0)) ?? { status: 204 };
  }

  #take(end: End, message: Envelope): void {
    if (message.type === "hello") {
      this.#hello(end, message.data);
      return;
    }
    if (end === this.#provisional) this.#become(end, message.ack ?? 0);
    if (end !== this.#live) return;
    const now = Date.now();
    if (this.#core.receive(message, now)) {
      if (message.type === "candidate") this.got.push(message.data.mline);
      this.#core.took(message.seq ?? 0, now);
    }
    this.#pump();
  }

  #hello(end: End, { resume }: Hello): void {
    const greeting = { resumed: this.#known, received: this.#known ? this.#core.received : 0 };
    end.write(welcome({ ...greeting, ping_s: end.door === "websocket" ? 20 : 32 }) as Envelope);
    this.#known = true;
    if (this.#live && this.#live.door !== end.door) {
      this.#provisional = end;
      return;
    }
    this.#become(end, resume?.received ?? 0);
  }

  #become(end: End, received: number): void {
    this.#live?.end();
    this.#live = end;
    this.#provisional = undefined;
    this.turns[end.door]++;
    this.#core.attach(Math.max(received, this.#core.acknowledged), Date.now());
    this.#pump();
  }

  #leave(end: End): void {
    if (this.#live === end) this.#live = undefined;
    if (this.#provisional === end) this.#provisional = undefined;
  }

  #pump(): void {
    if (!this.#live) return;
    for (let message = this.#core.next(Date.now()); message; message = this.#core.next(Date.now())) {
      this.#live.write(message);
    }
  }

  /** Carries messages in their order, each after a while. */
  #pipe(deliver: (raw: string) => void): (raw: string) => void {
    let last = 0;
    return (raw) => {
      last = Math.max(last, Date.now() + this.#random() * 300);
      setTimeout(() => deliver(raw), last - Date.now());
    };
  }

  #wait(): Promise<void> {
    return new Promise((done) => setTimeout(done, this.#random() * 300));
  }
}

interface PollBody {
  messages?: unknown[];
  received?: number;
  got?: number;
}

/** The hub's end of a long poll: responses that are repeated until they are confirmed. */
class PollEnd implements End {
  readonly door = "long_poll";
  over = false;
  #queue: Envelope[] = [];
  #last = { response: 0, messages: [] as Envelope[] };
  #wake: (() => void) | undefined;

  write(message: Envelope): void {
    this.#queue.push(message);
    this.#wake?.();
  }

  end(): void {
    this.over = true;
    this.#wake?.();
  }

  respond(): unknown {
    this.#last = { response: this.#last.response + 1, messages: this.#queue.splice(0) };
    return this.#last;
  }

  async poll(got: number): Promise<{ status: number; body?: unknown } | undefined> {
    this.#wake?.();
    if (got < this.#last.response) return { status: 200, body: this.#last };
    let newer = false;
    if (this.#queue.length === 0) {
      await new Promise<void>((done) => {
        const timer = setTimeout(done, 25_000);
        this.#wake = () => {
          newer = this.#queue.length === 0;
          clearTimeout(timer);
          done();
        };
      });
    }
    if (this.over) return { status: 410, body: { close: 4001, error: { code: "going_away", message: "" } } };
    return newer ? undefined : { status: 200, body: this.respond() };
  }
}
