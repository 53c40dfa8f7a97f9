/** Every state that a person can see. */
export const STATES = ["idle", "connecting", "live", "waiting", "closed"];
/** What a viewer knows by itself, beside end reasons and error codes. */
export const HINTS = ["link_lost", "stalled", "unsupported"];
/** The state and its reason. A picture that flows is live, whatever else is wrong. */
export function stateOf(facts) {
    if (facts.final)
        return { state: "closed", reason: facts.final };
    if (!facts.started)
        return { state: "idle", reason: undefined };
    if (facts.flowing)
        return { state: "live", reason: facts.linkDown ? "link_lost" : undefined };
    if (facts.linkDown)
        return { state: "waiting", reason: "link_lost" };
    if (facts.trouble)
        return { state: "waiting", reason: facts.trouble };
    if (facts.shown)
        return { state: "waiting", reason: "stalled" };
    return { state: "connecting", reason: undefined };
}
//# sourceMappingURL=view.js.map