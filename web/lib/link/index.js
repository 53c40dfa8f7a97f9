/** A viewer's durable connection to a hub, and the parts it is made of. */
export { Backoff } from "./backoff.js";
export { Core } from "./core.js";
export { Link } from "./link.js";
export { longPoll } from "./longpoll.js";
export { FALLBACK_TIMES } from "./policy.js";
export { linkURL, webSocket } from "./websocket.js";
//# sourceMappingURL=index.js.map