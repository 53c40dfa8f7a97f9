import type { ErrorBody } from "./error.ts";
/** What stands behind a hub's address: the WebSocket, and the two requests of the long poll. */
export declare const PATHS: {
    readonly link: "v1/link";
    readonly send: "v1/link/send";
    readonly poll: "v1/link/poll";
};
/** Answers a send: the highest sequence number that the hub has taken over. */
export interface Receipt {
    received: number;
}
/** Answers a poll, and the hello; response numbers them from 1, which has the welcome. */
export interface Delivery {
    response: number;
    /** Envelopes that nobody has looked at yet. */
    messages: unknown[];
}
/** The body of HTTP 410: the end of the carrier or of the link, with the close code of a WebSocket. */
export interface Farewell {
    close: number;
    error: ErrorBody;
}
/** Reads the answer to a send. Throws a ProtocolError. */
export declare function readReceipt(value: unknown): Receipt;
/** Reads the answer to a poll or to a hello. Throws a ProtocolError. */
export declare function readDelivery(value: unknown): Delivery;
/** Reads the body of HTTP 410. Throws a ProtocolError. */
export declare function readFarewell(value: unknown): Farewell;
/** The header with which a request names its link and proves that it is its own. */
export declare function authorization({ link, key }: {
    link: string;
    key: string;
}): string;
/** The address of one of a hub's paths; the hub's own may have a path. */
export declare function addressOf(hub: URL, path: string): URL;
