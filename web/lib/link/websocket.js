import { SUBPROTOCOL } from "../protocol/limits.js";
import { addressOf, PATHS } from "../protocol/poll.js";
/** Closed without a close frame (RFC 6455 section 7.4.1). */
const abnormal = 1006;
/** Carries a link over `GET /v1/link` as a WebSocket. */
export const webSocket = (hub, events) => {
    const socket = new WebSocket(linkURL(hub), SUBPROTOCOL);
    let over = false;
    socket.onopen = () => {
        if (!over)
            events.opened();
    };
    socket.onmessage = ({ data }) => {
        // The link speaks text only; anything else reads as a message that is none.
        if (!over)
            events.message(typeof data === "string" ? data : "");
    };
    socket.onclose = ({ code }) => {
        if (over)
            return;
        over = true;
        events.closed(code || abnormal);
    };
    return {
        send(message) {
            if (!over && socket.readyState === WebSocket.OPEN)
                socket.send(message);
        },
        close(code, reason) {
            over = true;
            socket.close(code, reason);
        },
    };
};
/** The address of a hub's link: its URL, which may have a path, with ws for http. */
export function linkURL(hub) {
    const url = addressOf(hub, PATHS.link);
    url.protocol = hub.protocol.replace("http", "ws");
    return url.href;
}
//# sourceMappingURL=websocket.js.map