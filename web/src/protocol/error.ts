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
  "precondition_failed",
  "precondition_required",
  "idempotency_mismatch",
  "answer_lost",
] as const;

/** The stable, machine-readable name of an error. */
export type Code = (typeof CODES)[number];

/** An error as it travels. */
export interface ErrorBody {
  /** One of {@link CODES}, or one that a newer hub added. */
  code: string;
  message: string;
  /** Milliseconds to wait before trying again; absent means that the client's own back-off is good enough. */
  retry_ms?: number;
  /** The hub's clock, with clock_skew. RFC 3339. */
  now?: string;
  /** When the device was last online, with offline; absent means never. RFC 3339. */
  last_seen?: string;
}

/** A typed failure: what the other side said, or what this side found wrong with it. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  /** The error's code; codes of a newer hub read as internal. */
  readonly code: Code;
  /** Milliseconds to wait before trying again; 0 means that nothing was said. */
  readonly retryMs: number;
  /** When the device was last online, if that was told. */
  readonly lastSeen: Date | undefined;

  constructor(code: Code, message: string, more: { retryMs?: number; lastSeen?: Date } = {}) {
    super(message);
    this.code = code;
    this.retryMs = more.retryMs ?? 0;
    this.lastSeen = more.lastSeen;
  }

  /** Reads an error as it travelled. */
  static from(body: ErrorBody): ProtocolError {
    const more: { retryMs?: number; lastSeen?: Date } = {};
    if (body.retry_ms !== undefined) more.retryMs = body.retry_ms;
    if (body.last_seen !== undefined) more.lastSeen = new Date(body.last_seen);
    return new ProtocolError(isCode(body.code) ? body.code : "internal", body.message, more);
  }
}

/** Whether this program knows the code. */
export function isCode(code: string): code is Code {
  return (CODES as readonly string[]).includes(code);
}
