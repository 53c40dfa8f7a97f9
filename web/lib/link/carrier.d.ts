import { ProtocolError } from "../protocol/error.ts";
import type { Door } from "../protocol/fallback.ts";
import type { Hello, Welcome } from "../protocol/handshake.ts";
import type { Mark } from "./exchange.ts";
import type { Connect } from "./transport.ts";
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
export declare class Carrier {
    #private;
    readonly door: Door;
    readonly hub: URL;
    /** Whether it came as far as to say hello. */
    opened: boolean;
    mark: Mark | undefined;
    /** When it was welcome, in milliseconds. */
    upSince: number | undefined;
    /** What the hub said was wrong, before it closed. */
    fault: ProtocolError | undefined;
    constructor({ door, connect, hub, hello, mark, within }: CarrierOptions, events: CarrierEvents);
    /** Sends one message. */
    send(message: string): void;
    /** Ends it; no event follows. */
    close(code: number, reason: string): void;
}
