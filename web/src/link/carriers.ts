import { CLOSE } from "../protocol/close.ts";
import type { ProtocolError } from "../protocol/error.ts";
import type { Door, Fallback } from "../protocol/fallback.ts";
import type { Hello, Welcome } from "../protocol/handshake.ts";
import { Carrier } from "./carrier.ts";
import { Departure } from "./departure.ts";
import type { Mark } from "./exchange.ts";
import { longPoll } from "./longpoll.ts";
import type { LinkOptions } from "./options.ts";
import { FALLBACK_TIMES, FallbackPolicy, type FallbackTimes } from "./policy.ts";
import type { Connect, Doors } from "./transport.ts";
import { webSocket } from "./websocket.ts";

/** Closed without a close frame, as the browser tells it (RFC 6455 section 7.4.1). */
const noFrame = [1005, 1006];

const bothDoors: Doors = { websocket: webSocket, long_poll: longPoll() };

/** What the carriers ask their link for, and tell it. */
export interface CarriersEvents {
  mark(): Mark;
  hello(fallback: Fallback | undefined): Hello;
  /** The highest sequence number taken over. */
  taken(): number;
  /** The hub has accepted a carrier. A ProtocolError thrown here makes it fail; if it is a second one, nothing changes. */
  welcome(welcome: Welcome, mark: Mark | undefined): void;
  /** That carrier is the live one now; what is sent goes there. It took the place of another if moved. */
  up(welcome: Welcome, mark: Mark | undefined, moved: boolean): void;
  /** The live carrier brought a message, or a sign of life without one. */
  message(raw: string): void;
  alive(): void;
  /** The live carrier brought no welcome in time, or none at all; it still has to be left. */
  failed(error: ProtocolError): void;
  /** The live carrier ended by itself, with a WebSocket close code. */
  closed(code: number): void;
}

/**
 * The carriers of a link: the live one, and now and then a second beside it, which takes its place once it is welcome.
 * A second that is not welcome changes nothing.
 */
export class Carriers {
  /** The hub that the link was told, and the host of it that the link is on. */
  readonly #home: URL;
  #hub: URL;
  readonly #doors: Doors;
  readonly #times: FallbackTimes;
  readonly #policy: FallbackPolicy;
  readonly #events: CarriersEvents;
  readonly #random: (() => number) | undefined;
  #live: Carrier | undefined;
  #second: Carrier | undefined;
  #fallback: Fallback | undefined;
  #probeTimer: ReturnType<typeof setTimeout> | undefined;
  #departure: Departure | undefined;

  constructor({ hub, doors = bothDoors, fallback, random }: LinkOptions, events: CarriersEvents) {
    this.#home = hub;
    this.#hub = hub;
    this.#random = random;
    this.#doors = doors;
    this.#times = { ...FALLBACK_TIMES, ...fallback };
    this.#policy = new FallbackPolicy(hub, Object.keys(doors) as Door[], this.#times);
    this.#events = events;
  }

  /** The one that carries the messages, or is to. */
  get live(): Carrier | undefined {
    return this.#live;
  }

  /** By which door the link is up; undefined while it is not. */
  get door(): Door | undefined {
    return this.#live?.upSince === undefined ? undefined : this.#live.door;
  }

  /** Why that is not the WebSocket. */
  get fallback(): Fallback | undefined {
    return this.door && this.#fallback;
  }

  /** Opens the one carrier, by the door that is next. */
  dial(): void {
    this.#live = this.#open(this.#policy.door);
  }

  /** Opens a second carrier beside the live one. One at a time. */
  openSecond(door: Door): void {
    if (this.door) this.#second ??= this.#open(door);
  }

  /** Goes to one of these hosts beside the live carrier, which stays for as long as none of them says welcome. */
  depart(hosts: readonly string[]): void {
    this.#departure?.cancel();
    this.#departure = new Departure(this.#home, hosts, this.#random, (hub) => {
      if (!this.#live || !this.door) return;
      this.#second?.close(1000, "");
      this.#second = this.#open(this.#live.door, hub);
    });
    this.#departure.next();
  }

  /** The network is another one. */
  moved(): void {
    this.#policy.moved(this.door !== undefined);
    if (this.door === "long_poll") this.openSecond("websocket");
  }

  /** Ends all of them. */
  drop(code: number, reason: string): void {
    clearTimeout(this.#probeTimer);
    this.#stay();
    this.#second?.close(1000, "");
    this.#second = undefined;
    this.#live?.close(code, reason);
    this.#live = undefined;
  }

  /** Learns from the end of the live carrier, and says whether another door is to be tried at once. */
  judge(code: number): boolean {
    if (!this.#live) return false;
    const { door, opened, upSince, fault } = this.#live;
    const byHub = !noFrame.includes(code);
    if (upSince !== undefined) return this.#policy.lost(door, Date.now() - upSince, byHub);
    this.#hub = this.#home;
    if (!fault && (!byHub || code < 4000)) return this.#policy.failed(door, opened);
    if (fault?.code === "rate_limited") this.#policy.refused(door);
    return false;
  }

  /** Goes to no other host any more. */
  #stay(): void {
    this.#departure?.cancel();
    this.#departure = undefined;
  }

  #open(door: Door, hub = this.#hub): Carrier {
    const events = this.#events;
    const carrier: Carrier = new Carrier(
      {
        door,
        connect: this.#doors[door] as Connect,
        hub,
        mark: () => events.mark(),
        hello: () => events.hello(door === "long_poll" ? this.#policy.fallback : undefined),
        within: this.#times.hello,
      },
      {
        welcome: (welcome) => this.#welcome(carrier, welcome),
        message: (raw) => {
          if (carrier === this.#live) events.message(raw);
        },
        alive: () => {
          if (carrier === this.#live) events.alive();
        },
        taken: () => events.taken(),
        failed: (error) => (carrier === this.#second ? this.#dropSecond() : events.failed(error)),
        closed: (code) => (carrier === this.#second ? this.#dropSecond() : events.closed(code)),
      },
    );
    return carrier;
  }

  #welcome(carrier: Carrier, welcome: Welcome): void {
    this.#events.welcome(welcome, carrier.mark);
    const before = carrier === this.#second ? this.#live : undefined;
    if (before) {
      this.#live = carrier;
      this.#second = undefined;
      if (before.door !== carrier.door) this.#policy.probeWelcome();
    }
    if (this.#hub !== carrier.hub) this.#stay();
    this.#hub = carrier.hub;
    this.#policy.welcome(carrier.door);
    this.#fallback = this.#policy.fallback;
    this.#events.up(welcome, carrier.mark, before !== undefined);
    // From the first message on, the hub is with the new carrier: what the old one still brings comes again on it.
    before?.close(CLOSE.goingAway, "moved");
    this.#lookForWebSocket();
  }

  /** Tries a WebSocket beside the long poll when its time has come. */
  #lookForWebSocket(): void {
    clearTimeout(this.#probeTimer);
    const after = this.door === "long_poll" ? this.#policy.probeAfter : undefined;
    if (after !== undefined) this.#probeTimer = setTimeout(() => this.openSecond("websocket"), after);
  }

  #dropSecond(): void {
    const departed = this.#second?.hub !== this.#hub;
    this.#second?.close(1000, "");
    this.#second = undefined;
    if (departed) {
      this.#departure?.later();
      return;
    }
    this.#policy.probeFailed();
    this.#lookForWebSocket();
  }
}
