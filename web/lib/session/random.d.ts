/** A new session's id: a UUIDv7 (RFC 9562 section 5.7). crypto.randomUUID does not exist on plain HTTP. */
export declare function sessionID(now?: number): string;
/** 128 random bits in hexadecimal, which prove later that a session is this viewer's own. */
export declare function owner(): string;
