import { BODIES } from "./bodies.ts";
import { maybe, named, shape, text, whole } from "./check.ts";
import type { Draft, Envelope, Head, Type } from "./envelope.ts";
import { ProtocolError } from "./error.ts";
import { isSession } from "./id.ts";
import { LIMITS } from "./limits.ts";

const head = shape<Head & { type: string }>({
  type: text(LIMITS.nameBytes),
  seq: maybe(whole(0)),
  ack: maybe(whole(0)),
  id: maybe(whole(0)),
  re: maybe(whole(0)),
  session: maybe(named(isSession)),
  gen: maybe(whole(0)),
});

/** A message of a type that this program does not know; its head is still good, so that it can be answered. */
export class UnknownType extends ProtocolError {
  readonly head: Head;

  constructor(type: string, head: Head) {
    super("unknown_type", `unknown message type ${type.slice(0, 32)}`);
    this.head = head;
  }
}

/** Reads one message. Throws {@link UnknownType}, or a ProtocolError with bad_message or too_large. */
export function decode(raw: string): Envelope {
  if (bytesOf(raw) > LIMITS.messageBytes) {
    throw new ProtocolError("too_large", `a message is over ${LIMITS.messageBytes} bytes`);
  }
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    throw new ProtocolError("bad_message", "not a JSON envelope");
  }
  const { type, ...rest } = head(value, "envelope");
  if (!isType(type)) throw new UnknownType(type, rest);
  const data = BODIES[type]((value as { data?: unknown }).data ?? {}, type);
  return { type, ...rest, data } as Envelope;
}

/** Writes one message. Throws a ProtocolError with too_large. */
export function encode(message: Envelope | Draft): string {
  const raw = JSON.stringify(message);
  if (bytesOf(raw) > LIMITS.messageBytes) {
    throw new ProtocolError("too_large", `a ${message.type} is over ${LIMITS.messageBytes} bytes`);
  }
  return raw;
}

/** The length of a string in UTF-8. */
export function bytesOf(raw: string): number {
  let bytes = raw.length;
  for (let i = 0; i < raw.length; i++) {
    const unit = raw.charCodeAt(i);
    // A surrogate pair is two units and four bytes; every other unit above U+07FF is three.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

function isType(type: string): type is Type {
  return Object.hasOwn(BODIES, type);
}
