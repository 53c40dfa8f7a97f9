/** One entry of a browser's statistics, of which nothing is certain. */
export type Entry = Record<string, unknown>;
/** The entries of a report by their ids. */
export declare function entriesOf(report: RTCStatsReport): Map<string, Entry>;
/** The candidate pair that media uses; undefined before there is one. */
export declare function selectedPair(entries: Map<string, Entry>): Entry | undefined;
/** A figure of an entry; 0 where it is missing. */
export declare function number(entry: Entry | undefined, key: string): number;
/** A text of an entry, or an id; empty where it is missing. */
export declare function word(from: unknown, key?: string): string;
/** Tenths are as fine as anybody reads. */
export declare function round(value: number): number;
