/** One entry of a browser's statistics, of which nothing is certain. */
export type Entry = Record<string, unknown>;

/** The entries of a report by their ids. */
export function entriesOf(report: RTCStatsReport): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  report.forEach((entry: Entry, id: string) => {
    entries.set(id, entry);
  });
  return entries;
}

/** The candidate pair that media uses; undefined before there is one. */
export function selectedPair(entries: Map<string, Entry>): Entry | undefined {
  const all = [...entries.values()];
  for (const entry of all) {
    const pair = entry.type === "transport" ? entries.get(word(entry, "selectedCandidatePairId")) : undefined;
    if (pair) return pair;
  }
  // Firefox has no transport entry that names the pair, but marks it.
  return all.find(
    (entry) => entry.type === "candidate-pair" && entry.nominated === true && entry.state === "succeeded",
  );
}

/** A figure of an entry; 0 where it is missing. */
export function number(entry: Entry | undefined, key: string): number {
  const value = entry?.[key];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** A text of an entry, or an id; empty where it is missing. */
export function word(from: unknown, key?: string): string {
  const value = key === undefined ? from : (from as Entry | undefined)?.[key];
  return typeof value === "string" ? value : "";
}

/** Tenths are as fine as anybody reads. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
