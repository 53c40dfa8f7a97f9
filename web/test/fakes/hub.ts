import { Link } from "../../src/link/link.ts";
import type { LinkOptions } from "../../src/link/options.ts";
import type { Connect, TransportEvents } from "../../src/link/transport.ts";
import { decode } from "../../src/protocol/codec.ts";
import type { Bodies, Envelope, Head, Type } from "../../src/protocol/envelope.ts";
import { classOf } from "../../src/protocol/envelope.ts";
import type { Welcome } from "../../src/protocol/handshake.ts";

export const grant = "00112233445566778899aabbccddeeff";

/** The other end of one socket. */
export class Socket {
  readonly received: Envelope[] = [];
  closed: number | undefined;
  readonly #events: TransportEvents;
  #seq = 0;

  constructor(events: TransportEvents) {
    this.#events = events;
  }

  take(raw: string): void {
    this.received.push(decode(raw));
  }

  open(): void {
    this.#events.opened();
  }

  drop(code = 1006): void {
    this.#events.closed(code);
  }

  raw(raw: string): void {
    this.#events.message(raw);
  }

  /** Sends a message, numbered if its class wants it. */
  send<T extends Type>(type: T, data: Bodies[T], head: Head = {}): void {
    const message = { type, ...head, data } as Envelope;
    if (classOf(message) === "sequenced") message.seq = head.seq ?? ++this.#seq;
    this.raw(JSON.stringify(message));
  }

  welcome(more: Partial<Welcome> = {}): void {
    this.send("welcome", {
      link: "l-1",
      key: "k-1",
      node: "n-1",
      resumed: false,
      reason: "new",
      received: 0,
      ping_s: 20,
      resume_s: 120,
      limits: {
        message_bytes: 65536,
        unacked: 256,
        unacked_bytes: 262144,
        candidates_per_s: 20,
        descriptions_per_s: 5,
      },
      now: new Date().toISOString(),
      ice_servers: [{ urls: ["turn:192.0.2.1:3478"], username: "u", credential: "c" }],
      grant,
      ...more,
    });
  }

  /** The messages of one type, oldest first. */
  of<T extends Type>(type: T): Envelope<T>[] {
    return this.received.filter((message) => message.type === type) as Envelope<T>[];
  }
}

/** A hub without a network: it hands out every socket that a link opens. */
export class Hub {
  readonly sockets: Socket[] = [];

  readonly connect: Connect = (_, events) => {
    const socket = new Socket(events);
    this.sockets.push(socket);
    return {
      send: (message) => socket.take(message),
      close: (code) => {
        socket.closed ??= code;
      },
    };
  };

  /** A WebSocket class whose every socket is one of this hub's. */
  webSocket(): typeof WebSocket {
    const { connect } = this;
    class FakeWebSocket {
      static readonly OPEN = 1;
      readyState = 0;
      onopen: (() => void) | undefined;
      onmessage: ((event: { data: string }) => void) | undefined;
      onclose: ((event: { code: number }) => void) | undefined;
      readonly #transport = connect(new URL("https://hub.example"), {
        opened: () => {
          this.readyState = 1;
          this.onopen?.();
        },
        message: (data) => this.onmessage?.({ data }),
        alive: () => undefined,
        taken: () => 0,
        closed: (code) => this.onclose?.({ code }),
      });
      send = (message: string) => this.#transport.send(message);
      close = (code: number, reason: string) => this.#transport.close(code, reason);
    }
    return FakeWebSocket as unknown as typeof WebSocket;
  }

  /** The newest socket. */
  get socket(): Socket {
    const newest = this.sockets.at(-1);
    if (!newest) throw new Error("no socket was opened");
    return newest;
  }

  /** Opens the newest socket and says welcome. */
  greet(more: Partial<Welcome> = {}): Socket {
    this.socket.open();
    this.socket.welcome(more);
    return this.socket;
  }

  link(more: Partial<LinkOptions> = {}): Link {
    return new Link({
      hub: new URL("https://hub.example"),
      token: "t-1",
      doors: { websocket: this.connect },
      random: () => 0.5,
      ...more,
    });
  }
}
