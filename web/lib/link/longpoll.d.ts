import type { Connect } from "./transport.ts";
/** How long the long poll waits, in milliseconds, and how often it tries. */
export interface LongPollTimes {
    /** For the answer to a poll: the hub's own wait and a slow network. */
    poll: number;
    /** For the answer to a send. */
    send: number;
    /** Before a failed request is repeated; twice as long each time. */
    pause: number;
    /** How many failures in a row end it. */
    tries: number;
}
/** Carries a link over `POST /v1/link/send` and `/v1/link/poll`, where no WebSocket gets through. */
export declare function longPoll(times?: Partial<LongPollTimes>): Connect;
