import { BODIES } from "./bodies.js";
import { maybe, named, shape, text, whole } from "./check.js";
import { ProtocolError } from "./error.js";
import { isSession } from "./id.js";
import { LIMITS } from "./limits.js";
const head = shape({
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
    head;
    constructor(type, head) {
        super("unknown_type", `unknown message type ${type.slice(0, 32)}`);
        this.head = head;
    }
}
/** Reads one message. Throws {@link UnknownType}, or a ProtocolError with bad_message or too_large. */
export function decode(raw) {
    if (bytesOf(raw) > LIMITS.messageBytes) {
        throw new ProtocolError("too_large", `a message is over ${LIMITS.messageBytes} bytes`);
    }
    let value;
    try {
        value = JSON.parse(raw);
    }
    catch {
        throw new ProtocolError("bad_message", "not a JSON envelope");
    }
    const { type, ...rest } = head(value, "envelope");
    if (!isType(type))
        throw new UnknownType(type, rest);
    const data = BODIES[type](value.data ?? {}, type);
    return { type, ...rest, data };
}
/** Writes one message. Throws a ProtocolError with too_large. */
export function encode(message) {
    const raw = JSON.stringify(message);
    if (bytesOf(raw) > LIMITS.messageBytes) {
        throw new ProtocolError("too_large", `a ${message.type} is over ${LIMITS.messageBytes} bytes`);
    }
    return raw;
}
/** The length of a string in UTF-8. */
export function bytesOf(raw) {
    let bytes = raw.length;
    for (let i = 0; i < raw.length; i++) {
        const unit = raw.charCodeAt(i);
        // A surrogate pair is two units and four bytes; every other unit above U+07FF is three.
        if (unit > 0x7f)
            bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
    }
    return bytes;
}
function isType(type) {
    return Object.hasOwn(BODIES, type);
}
//# sourceMappingURL=codec.js.map