import type { Code } from "./error.ts";
/**
 * The WebSocket close codes of a link (RFC 6455 section 7.4.2). The range tells a client what to do: 4000 to 4499 come
 * back, 4500 to 4999 not like this.
 */
export declare const CLOSE: {
    readonly goingAway: 4001;
    readonly tooSlow: 4008;
    readonly silent: 4012;
    readonly rate: 4013;
    readonly badToken: 4500;
    readonly revoked: 4503;
    readonly superseded: 4509;
    readonly version: 4510;
};
/** Whether a client closed with this code should come back as it is. */
export declare function mayReconnect(code: number): boolean;
/** The close code with which this side ends a socket for an error of the link. */
export declare function closeFor(code: Code): number;
/** What a close code of 4500 or more means, for a close that no error message explained. */
export declare function codeOf(close: number): Code;
