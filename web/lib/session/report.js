/** The entries of a report by their ids. */
export function entriesOf(report) {
    const entries = new Map();
    report.forEach((entry, id) => {
        entries.set(id, entry);
    });
    return entries;
}
/** The candidate pair that media uses; undefined before there is one. */
export function selectedPair(entries) {
    const all = [...entries.values()];
    for (const entry of all) {
        const pair = entry.type === "transport" ? entries.get(word(entry, "selectedCandidatePairId")) : undefined;
        if (pair)
            return pair;
    }
    // Firefox has no transport entry that names the pair, but marks it.
    return all.find((entry) => entry.type === "candidate-pair" && entry.nominated === true && entry.state === "succeeded");
}
/** A figure of an entry; 0 where it is missing. */
export function number(entry, key) {
    const value = entry?.[key];
    return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
/** A text of an entry, or an id; empty where it is missing. */
export function word(from, key) {
    const value = key === undefined ? from : from?.[key];
    return typeof value === "string" ? value : "";
}
/** Tenths are as fine as anybody reads. */
export function round(value) {
    return Math.round(value * 10) / 10;
}
//# sourceMappingURL=report.js.map