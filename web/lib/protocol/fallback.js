/** Every door: what carries a link, as presence and the API name it. */
export const DOORS = ["websocket", "long_poll"];
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
];
//# sourceMappingURL=fallback.js.map