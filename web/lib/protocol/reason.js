/** Every reason a session can end with: one closed list, the same on the link, in the API and on the page. */
export const REASONS = [
    "viewer_left",
    "device_left",
    "device_offline",
    "ice_failed",
    "timeout",
    "closed_by_api",
    "revoked",
    "expired",
    "quota",
    "busy",
    "codec",
    "privacy",
    "superseded",
    "unknown",
    "internal",
];
//# sourceMappingURL=reason.js.map