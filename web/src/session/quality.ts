import type { Path } from "../protocol/session.ts";

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
  /** When it was measured, in milliseconds of the report's clock. */
  at: number;
}

type Entry = Record<string, unknown>;

/** Reads a stats report; what is per second is taken over the time since the previous measurement. */
export function measure(report: RTCStatsReport, previous?: Quality): Quality | undefined {
  const entries = entriesOf(report);
  const video = [...entries.values()].find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
  if (!video) return undefined;
  const now: Quality = {
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

/** Reads which candidate pair the media uses; undefined before there is one. */
export function pathOf(report: RTCStatsReport): Path | undefined {
  const entries = entriesOf(report);
  const pair = selectedPair(entries);
  const local = entries.get(word(pair, "localCandidateId"));
  const remote = entries.get(word(pair, "remoteCandidateId"));
  if (!pair || !local || !remote) return undefined;
  const types = { local: word(local, "candidateType"), remote: word(remote, "candidateType") };
  const relay = types.local === "relay" || types.remote === "relay";
  const path: Path = {
    kind: relay ? "relay" : "direct",
    means: relay ? "relay" : "ice",
    ...types,
    protocol: word(local, "relayProtocol") || word(local, "protocol"),
  };
  const rtt = number(pair, "currentRoundTripTime");
  if (rtt > 0) path.rtt_ms = round(rtt * 1000);
  return path;
}

function entriesOf(report: RTCStatsReport): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  report.forEach((entry: Entry, id: string) => {
    entries.set(id, entry);
  });
  return entries;
}

function selectedPair(entries: Map<string, Entry>): Entry | undefined {
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

function number(entry: Entry | undefined, key: string): number {
  const value = entry?.[key];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function word(from: unknown, key?: string): string {
  const value = key === undefined ? from : (from as Entry | undefined)?.[key];
  return typeof value === "string" ? value : "";
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
