import { entriesOf, number, round, selectedPair, word } from "./report.js";
/** Reads which candidate pair the media uses, and what made it; undefined before there is one. */
export function pathOf(report, origins) {
    const entries = entriesOf(report);
    const pair = selectedPair(entries);
    const local = entries.get(word(pair, "localCandidateId"));
    const remote = entries.get(word(pair, "remoteCandidateId"));
    if (!pair || !local || !remote)
        return undefined;
    const types = { local: word(local, "candidateType"), remote: word(remote, "candidateType") };
    const relay = types.local === "relay" || types.remote === "relay";
    const path = {
        kind: relay ? "relay" : "direct",
        means: relay ? "relay" : meansOf(local, remote, origins),
        ...types,
        protocol: word(local, "relayProtocol") || word(local, "protocol"),
    };
    const rtt = number(pair, "currentRoundTripTime");
    if (rtt > 0)
        path.rtt_ms = round(rtt * 1000);
    const pairs = [...entries.values()].filter(tried).length;
    if (pairs > 0)
        path.pairs = pairs;
    return path;
}
/** Whether two paths are the same way; how fast it is and when it came may differ. */
export function samePath(a, b) {
    return (a.kind === b?.kind &&
        a.means === b.means &&
        a.local === b.local &&
        a.remote === b.remote &&
        a.protocol === b.protocol);
}
/** What made a direct path, as far as this end can tell. The stronger means hides the weaker (protocol.Means.Over). */
function meansOf(local, remote, origins) {
    if (word(local, "protocol") === "tcp")
        return "tcp";
    const address = addressOf(remote);
    if (address.includes(":") || addressOf(local).includes(":"))
        return "ipv6";
    return origins.meansOf(address, number(remote, "port")) ?? "ice";
}
/** The address where the browser tells it; empty for one that was learned from a check, or hidden by a name. */
function addressOf(candidate) {
    const address = word(candidate, "address") || word(candidate, "ip");
    return /^[0-9.]+$|:/.test(address) ? address : "";
}
function tried(entry) {
    if (entry.type !== "candidate-pair")
        return false;
    return number(entry, "requestsSent") > 0 || ["in-progress", "succeeded", "failed"].includes(word(entry, "state"));
}
//# sourceMappingURL=path.js.map