import type { ProtocolError } from "../protocol/error.ts";
import type { Door, Fallback } from "../protocol/fallback.ts";
import type { Hello, Welcome } from "../protocol/handshake.ts";
import { Carrier } from "./carrier.ts";
import type { Mark } from "./exchange.ts";
import type { LinkOptions } from "./options.ts";
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
export declare class Carriers {
    #private;
    constructor({ hub, doors, fallback, random }: LinkOptions, events: CarriersEvents);
    /** The one that carries the messages, or is to. */
    get live(): Carrier | undefined;
    /** By which door the link is up; undefined while it is not. */
    get door(): Door | undefined;
    /** Why that is not the WebSocket. */
    get fallback(): Fallback | undefined;
    /** Opens the one carrier, by the door that is next. */
    dial(): void;
    /** Opens a second carrier beside the live one. One at a time. */
    openSecond(door: Door): void;
    /** Goes to one of these hosts beside the live carrier, which stays for as long as none of them says welcome. */
    depart(hosts: readonly string[]): void;
    /** The network is another one. */
    moved(): void;
    /** Ends all of them. */
    drop(code: number, reason: string): void;
    /** Learns from the end of the live carrier, and says whether another door is to be tried at once. */
    judge(code: number): boolean;
}
