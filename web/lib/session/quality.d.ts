import type { Stats } from "../protocol/state.ts";
/** What a person may want to know of the picture that they see. Counters are since the session's start. */
export interface Quality {
    codec: string;
    width: number;
    height: number;
    fps: number;
    bitrateKbps: number;
    rttMs: number;
    jitterMs: number;
    /** Share of packets lost since the last measurement, in percent. */
    lossPercent: number;
    frames: number;
    bytes: number;
    packets: number;
    lost: number;
    /** Packets that came because they were asked for again; 0 in browsers that do not tell. */
    retransmitted: number;
    /** How often the picture stood, and for how long altogether, in seconds. */
    freezes: number;
    frozenS: number;
    /** When it was measured, in milliseconds of the report's clock. */
    at: number;
}
/** Reads a stats report; what is per second is taken over the time since the previous measurement. */
export declare function measure(report: RTCStatsReport, previous?: Quality): Quality | undefined;
/** The report that media flows. */
export declare function statsOf(quality: Quality): Stats;
