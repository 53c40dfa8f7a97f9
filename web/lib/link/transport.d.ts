import type { Door } from "../protocol/fallback.ts";
/** What carries a link's messages for a while: a WebSocket, or anything else that keeps their order. */
export interface Transport {
    /** Sends one message. Does nothing before opened and after closed. */
    send(message: string): void;
    /** Ends it; no event follows. With code 1000 what was sent before still goes out. */
    close(code: number, reason: string): void;
}
/** What a transport tells its owner, never before the function that made it has returned. */
export interface TransportEvents {
    opened(): void;
    message(message: string): void;
    /** The hub and the transport have heard of each other without a message. */
    alive(): void;
    /** Asks for the highest sequence number taken over, for a transport that acknowledges by itself. */
    taken(): number;
    /** It ended without our doing; code is a WebSocket close code. */
    closed(code: number): void;
}
/** Makes a transport to a hub. */
export type Connect = (hub: URL, events: TransportEvents) => Transport;
/** What makes the transport of each door; one door alone means that there is no other way. */
export type Doors = Partial<Record<Door, Connect>>;
