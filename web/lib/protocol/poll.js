import { instant, list, maybe, shape, text, whole } from "./check.js";
import { LIMITS } from "./limits.js";
/** What stands behind a hub's address: the WebSocket, and the two requests of the long poll. */
export const PATHS = { link: "v1/link", send: "v1/link/send", poll: "v1/link/poll" };
const anything = (value) => value;
/** The shortest message is `{"type":"ack"}`. */
const mostMessages = LIMITS.parcelBytes / 14;
/** Reads the answer to a send. Throws a ProtocolError. */
export function readReceipt(value) {
    return shape({ received: whole(0) })(value, "receipt");
}
/** Reads the answer to a poll or to a hello. Throws a ProtocolError. */
export function readDelivery(value) {
    return shape({ response: whole(1), messages: list(anything, mostMessages) })(value, "delivery");
}
/** Reads the body of HTTP 410. Throws a ProtocolError. */
export function readFarewell(value) {
    const error = shape({
        code: text(LIMITS.nameBytes),
        message: text(LIMITS.candidateBytes),
        retry_ms: maybe(whole(0)),
        now: maybe(instant),
        last_seen: maybe(instant),
    });
    return shape({ close: whole(1000), error })(value, "farewell");
}
/** The header with which a request names its link and proves that it is its own. */
export function authorization({ link, key }) {
    return `Link ${link}.${key}`;
}
/** The address of one of a hub's paths; the hub's own may have a path. */
export function addressOf(hub, path) {
    const base = new URL(hub);
    if (!base.pathname.endsWith("/"))
        base.pathname += "/";
    const url = new URL(path, base);
    url.search = "";
    url.hash = "";
    return url;
}
//# sourceMappingURL=poll.js.map