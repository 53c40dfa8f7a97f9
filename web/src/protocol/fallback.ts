/** Every door of a link. */
export const DOORS = ["websocket", "long_poll"] as const;

/** Every way to the hub, as presence and the API name it: a link's doors, and those of programs that have no link. */
export const TRANSPORTS = [...DOORS, "whep", "kvs", "rest"] as const;

/** What carries a link: `GET /v1/link` as a WebSocket, or `POST /v1/link/send` and `/v1/link/poll`. */
export type Door = (typeof DOORS)[number];
export type AnyTransport = (typeof TRANSPORTS)[number];

/** Every reason for which a link is not on a WebSocket. */
export const FALLBACK_REASONS = [
  "status",
  "refused",
  "silent",
  "intercepted",
  "captive_portal",
  "unreachable",
  "cut",
  "unknown",
] as const;

/** What a client saw of the WebSockets that failed. */
export type FallbackReason = (typeof FALLBACK_REASONS)[number];

/** Why a link is not on a WebSocket. */
export interface Fallback {
  reason: FallbackReason;
  /** For people who look for the fault, such as "HTTP 200 from nginx/1.18". */
  detail?: string;
}
