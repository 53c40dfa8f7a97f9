import { entriesOf, number, round, selectedPair, word } from "./report.js";
/** Reads a stats report; what is per second is taken over the time since the previous measurement. */
export function measure(report, previous) {
    const entries = entriesOf(report);
    const video = [...entries.values()].find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
    if (!video)
        return undefined;
    const now = {
        codec: word(entries.get(word(video.codecId)), "mimeType").replace(/^video\//i, ""),
        width: number(video, "frameWidth"),
        height: number(video, "frameHeight"),
        fps: number(video, "framesPerSecond"),
        bitrateKbps: 0,
        rttMs: round(number(selectedPair(entries), "currentRoundTripTime") * 1000),
        jitterMs: round(number(video, "jitter") * 1000),
        lossPercent: 0,
        frames: number(video, "framesDecoded"),
        bytes: number(video, "bytesReceived"),
        packets: number(video, "packetsReceived"),
        lost: Math.max(0, number(video, "packetsLost")),
        retransmitted: number(video, "retransmittedPacketsReceived"),
        freezes: number(video, "freezeCount"),
        frozenS: round(number(video, "totalFreezesDuration")),
        at: number(video, "timestamp"),
    };
    const ms = now.at - (previous?.at ?? now.at);
    if (previous && ms > 0) {
        const arrived = Math.max(0, now.packets - previous.packets);
        const lost = Math.max(0, now.lost - previous.lost);
        now.bitrateKbps = Math.round(((now.bytes - previous.bytes) * 8) / ms);
        now.lossPercent = arrived + lost > 0 ? round((lost * 100) / (arrived + lost)) : 0;
        now.fps ||= Math.round(((now.frames - previous.frames) * 1000) / ms);
    }
    return now;
}
/** The report that media flows. */
export function statsOf(quality) {
    return {
        media: true,
        bytes: quality.bytes,
        packets: quality.packets,
        lost: quality.lost,
        frames: quality.frames,
        fps: quality.fps,
        bitrate_kbps: quality.bitrateKbps,
        rtt_ms: quality.rttMs,
        jitter_ms: quality.jitterMs,
    };
}
//# sourceMappingURL=quality.js.map