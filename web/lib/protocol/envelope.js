/** The class of each type, but for the two exceptions that {@link classOf} knows. */
export const CLASSES = {
    hello: "control",
    welcome: "control",
    ping: "control",
    pong: "control",
    ack: "control",
    goaway: "control",
    bye: "control",
    error: "control",
    snapshot: "state",
    presence: "state",
    policy: "state",
    ice_servers: "state",
    open: "sequenced",
    opened: "sequenced",
    invite: "sequenced",
    describe: "sequenced",
    candidate: "sequenced",
    path: "sequenced",
    extend: "sequenced",
    close: "sequenced",
    closed: "sequenced",
    sync: "sequenced",
    reply: "sequenced",
    event: "event",
    gap: "event",
    stats: "volatile",
    network: "state",
    capture: "volatile",
};
/** How a message travels: an error that answers is sequenced, a report that media flows is state. */
export function classOf(message) {
    if (message.type === "error" && message.re)
        return "sequenced";
    if (message.type === "stats" && message.data.media)
        return "state";
    return CLASSES[message.type];
}
/** What a state message replaces: the newest of its type for its session, or for its device. */
export function stateKey(message) {
    const device = message.type === "presence" ? message.data.device : "";
    return `${message.type}/${message.session ?? ""}${device}`;
}
//# sourceMappingURL=envelope.js.map