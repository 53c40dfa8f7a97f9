/** Every door: what carries a link, as presence and the API name it. */
export declare const DOORS: readonly ["websocket", "long_poll"];
/** What carries a link: `GET /v1/link` as a WebSocket, or `POST /v1/link/send` and `/v1/link/poll`. */
export type Door = (typeof DOORS)[number];
/** Every reason for which a link is not on a WebSocket. */
export declare const FALLBACK_REASONS: readonly ["status", "refused", "silent", "intercepted", "captive_portal", "unreachable", "cut", "unknown"];
/** What a client saw of the WebSockets that failed. */
export type FallbackReason = (typeof FALLBACK_REASONS)[number];
/** Why a link is not on a WebSocket. */
export interface Fallback {
    reason: FallbackReason;
    /** For people who look for the fault, such as "HTTP 200 from nginx/1.18". */
    detail?: string;
}
