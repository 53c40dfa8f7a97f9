import { decode, encode } from "../protocol/codec.ts";
import { ProtocolError } from "../protocol/error.ts";
import type { Door } from "../protocol/fallback.ts";
import type { Hello, Welcome } from "../protocol/handshake.ts";
import type { Mark } from "./exchange.ts";
import type { Connect, Transport } from "./transport.ts";

/** What a carrier is made with. */
export interface CarrierOptions {
  door: Door;
  connect: Connect;
  hub: URL;
  /** Asked for when the transport has opened. */
  hello: () => Hello;
  /** Where the link stands at that moment. */
  mark: () => Mark;
  /** How many milliseconds it may take from the first packet to the welcome. */
  within: number;
}

/** What a carrier tells its link. */
export interface CarrierEvents {
  /** The hub has accepted it. A ProtocolError thrown here comes back as failed. */
  welcome(welcome: Welcome): void;
  /** A later message. */
  message(raw: string): void;
  /** The hub and the transport have heard of each other without a message. */
  alive(): void;
  /** Asks for the highest sequence number taken over. */
  taken(): number;
  /** It brought no welcome, or something that is none; it still has to be closed. */
  failed(error: ProtocolError): void;
  /** It ended without our doing, with a WebSocket close code. */
  closed(code: number): void;
}

/** One transport of a link, from its hello to its end. */
export class Carrier {
  readonly door: Door;
  readonly hub: URL;
  /** Whether it came as far as to say hello. */
  opened = false;
  mark: Mark | undefined;
  /** When it was welcome, in milliseconds. */
  upSince: number | undefined;
  /** What the hub said was wrong, before it closed. */
  fault: ProtocolError | undefined;
  readonly #transport: Transport;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #events: CarrierEvents;

  constructor({ door, connect, hub, hello, mark, within }: CarrierOptions, events: CarrierEvents) {
    this.door = door;
    this.hub = hub;
    this.#events = events;
    this.#transport = connect(hub, {
      opened: () => {
        this.opened = true;
        this.mark = mark();
        this.send(encode({ type: "hello", data: hello() }));
      },
      message: (raw) => (this.upSince === undefined ? this.#greet(raw) : events.message(raw)),
      alive: () => events.alive(),
      taken: () => events.taken(),
      closed: (code) => {
        clearTimeout(this.#timer);
        events.closed(code);
      },
    });
    // A middlebox may answer 101 and then swallow everything: what brings no welcome has failed.
    this.#timer = setTimeout(() => events.failed(new ProtocolError("timeout", "no welcome came")), within);
  }

  /** Sends one message. */
  send(message: string): void {
    this.#transport.send(message);
  }

  /** Ends it; no event follows. */
  close(code: number, reason: string): void {
    clearTimeout(this.#timer);
    this.#transport.close(code, reason);
  }

  /** Takes the first message: welcome, or the error that says why not. */
  #greet(raw: string): void {
    try {
      const message = decode(raw);
      if (message.type === "error") {
        this.fault = ProtocolError.from(message.data);
        return;
      }
      if (message.type !== "welcome") throw new ProtocolError("bad_message", `${message.type} came before welcome`);
      clearTimeout(this.#timer);
      this.upSince = Date.now();
      this.#events.welcome(message.data);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.upSince = undefined;
      this.#events.failed(error);
    }
  }
}
