/** A viewer's durable connection to a hub, and the parts it is made of. */
export { Backoff } from "./backoff.ts";
export { Core } from "./core.ts";
export { Link } from "./link.ts";
export { type LongPollTimes, longPoll } from "./longpoll.ts";
export type { Holder, LinkEvents, LinkOptions, LinkStatus } from "./options.ts";
export { FALLBACK_TIMES, type FallbackTimes } from "./policy.ts";
export type { Answer } from "./requests.ts";
export type { Connect, Doors, Transport, TransportEvents } from "./transport.ts";
export { linkURL, webSocket } from "./websocket.ts";
