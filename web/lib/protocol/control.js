import { figure, flag, list, maybe, oneOf, shape, text, whole } from "./check.js";
import { bytesOf } from "./codec.js";
import { ProtocolError } from "./error.js";
import { LIMITS } from "./limits.js";
/** The label of the data channel on which a viewer and a device talk without the hub. */
export const CONTROL_LABEL = "control";
/** The streams that a camera may have. */
export const RENDITIONS = ["main", "sub"];
/** Renditions and notes of one camera: more than any has, and still a bound. */
const most = 32;
const name = text(LIMITS.nameBytes);
const words = text(LIMITS.controlBytes);
const speed = (value, where) => {
    const number = figure(value, where);
    if (Math.abs(number) > 1)
        throw new ProtocolError("invalid", `${where} is not -1 to 1`);
    return number;
};
const rendition = oneOf(RENDITIONS);
const still = shape({
    media_type: name,
    bytes: (value, where) => {
        const bytes = whole(0)(value, where);
        if (bytes > LIMITS.snapshotBytes)
            throw new ProtocolError("too_large", `${where} is over ${LIMITS.snapshotBytes}`);
        return bytes;
    },
});
const none = () => undefined;
const bodies = {
    keyframe: none,
    view: shape({ width: whole(0), height: whole(0) }),
    rendition: shape({ rendition: maybe(rendition) }),
    ptz: shape({ pan: speed, tilt: speed, zoom: speed, home: maybe(flag) }),
    snapshot: none,
    talk: shape({ on: flag }),
    status: shape({
        source: oneOf(["dialing", "up", "down"]),
        why: maybe(words),
        retry_ms: maybe(whole(0)),
        renditions: list(shape({ name: rendition, codec: name, width: whole(0), height: whole(0), fps: maybe(figure) }), most),
        rendition: maybe(rendition),
        auto: maybe(flag),
        talk: maybe(flag),
        ptz: maybe(flag),
        snapshot: maybe(flag),
        talking: maybe(flag),
        notes: maybe(list(shape({ code: name, message: words }), most)),
    }),
    ok: (value, where) => (value === undefined || value === null ? undefined : still(value, where)),
    error: shape({
        code: name,
        message: words,
        retry_ms: maybe(whole(0)),
        now: maybe(text(LIMITS.nameBytes)),
        last_seen: maybe(text(LIMITS.nameBytes)),
    }),
};
const head = shape({ type: name, id: maybe(whole(0)), re: maybe(whole(0)) });
/** Every control message, those of a viewer first. */
export const CONTROLS = Object.keys(bodies);
/** Reads a control message. Throws a ProtocolError with bad_message, too_large, invalid or unknown_type. */
export function decodeControl(raw) {
    check(raw);
    let value;
    try {
        value = JSON.parse(raw);
    }
    catch {
        throw new ProtocolError("bad_message", "not a control message");
    }
    const { type, ...rest } = head(value, "control");
    if (!Object.hasOwn(bodies, type))
        throw new ProtocolError("unknown_type", `unknown control ${type.slice(0, 32)}`);
    const known = type;
    const { data } = value;
    const body = bodies[known](data ?? (known === "ok" ? undefined : {}), known);
    return (body === undefined ? { type, ...rest } : { type, ...rest, data: body });
}
/** Writes a control message. Throws a ProtocolError with too_large. */
export function encodeControl(control) {
    const raw = JSON.stringify(control);
    check(raw);
    return raw;
}
function check(raw) {
    if (bytesOf(raw) > LIMITS.controlBytes) {
        throw new ProtocolError("too_large", `a control message is over ${LIMITS.controlBytes} bytes`);
    }
}
//# sourceMappingURL=control.js.map