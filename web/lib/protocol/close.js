/**
 * The WebSocket close codes of a link (RFC 6455 section 7.4.2). The range tells a client what to do: 4000 to 4499 come
 * back, 4500 to 4999 not like this.
 */
export const CLOSE = {
    goingAway: 4001,
    tooSlow: 4008,
    silent: 4012,
    rate: 4013,
    badToken: 4500,
    revoked: 4503,
    superseded: 4509,
    version: 4510,
};
/** Whether a client closed with this code should come back as it is. */
export function mayReconnect(code) {
    return code < 4500 || code > 4999;
}
/** The close code with which this side ends a socket for an error of the link. */
export function closeFor(code) {
    switch (code) {
        case "too_slow":
            return CLOSE.tooSlow;
        case "timeout":
            return CLOSE.silent;
        case "bad_message":
        case "unknown_type":
        case "too_large":
        case "sequence":
        case "version":
            return CLOSE.version;
        default:
            return CLOSE.goingAway;
    }
}
/** What a close code of 4500 or more means, for a close that no error message explained. */
export function codeOf(close) {
    switch (close) {
        case CLOSE.revoked:
            return "revoked";
        case CLOSE.superseded:
            return "superseded";
        case CLOSE.version:
            return "version";
        default:
            return "bad_token";
    }
}
//# sourceMappingURL=close.js.map