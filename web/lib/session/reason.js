/** Why the media goes through a relay, as far as a viewer can tell. The hub knows both ends and may say more. */
export const RELAY_REASONS = [
    "asked",
    "policy",
    "device_udp_blocked",
    "viewer_udp_blocked",
    "viewer_symmetric",
    "not_yet",
    "networks_unknown",
];
/** The device goes on with its checks at a high rate for so long (milliseconds). */
const searchLasts = 10_000;
/** Says why a path is a relay's. */
export function relayReason({ asked, policy, network, remote, since }) {
    if (asked)
        return "asked";
    if (policy === "relay_only")
        return "policy";
    if (network.udp_blocked)
        return "viewer_udp_blocked";
    if (remote.size === 1 && remote.has("relay"))
        return "device_udp_blocked";
    if (since < searchLasts)
        return "not_yet";
    if (network.mapping && network.mapping !== "endpoint_independent")
        return "viewer_symmetric";
    return "networks_unknown";
}
//# sourceMappingURL=reason.js.map