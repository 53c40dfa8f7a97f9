/** Every error code. A code is never renamed or reused. */
export const CODES = [
    "bad_message",
    "unknown_type",
    "too_large",
    "sequence",
    "timeout",
    "too_slow",
    "going_away",
    "unknown_link",
    "bad_token",
    "expired",
    "clock_skew",
    "revoked",
    "superseded",
    "version",
    "not_found",
    "forbidden",
    "offline",
    "full",
    "busy",
    "quota",
    "rate_limited",
    "conflict",
    "codec",
    "invalid",
    "internal",
];
/** A typed failure: what the other side said, or what this side found wrong with it. */
export class ProtocolError extends Error {
    name = "ProtocolError";
    /** The error's code; codes of a newer hub read as internal. */
    code;
    /** Milliseconds to wait before trying again; 0 means that nothing was said. */
    retryMs;
    /** When the device was last online, if that was told. */
    lastSeen;
    constructor(code, message, more = {}) {
        super(message);
        this.code = code;
        this.retryMs = more.retryMs ?? 0;
        this.lastSeen = more.lastSeen;
    }
    /** Reads an error as it travelled. */
    static from(body) {
        const more = {};
        if (body.retry_ms !== undefined)
            more.retryMs = body.retry_ms;
        if (body.last_seen !== undefined)
            more.lastSeen = new Date(body.last_seen);
        return new ProtocolError(isCode(body.code) ? body.code : "internal", body.message, more);
    }
}
/** Whether this program knows the code. */
export function isCode(code) {
    return CODES.includes(code);
}
//# sourceMappingURL=error.js.map