import { html, nothing, type TemplateResult } from "lit";
import type { View } from "../viewer/view.ts";
import { LABELS, whyLongPoll } from "./words.ts";

/** The figures of the picture, for whoever asks for them. */
export function panel({ stats, path, transport, fallback, deviceFallback }: View): TemplateResult {
  const rows: [string, string][] = [
    [LABELS.codec, stats?.codec || "–"],
    [LABELS.resolution, stats?.width ? `${stats.width} × ${stats.height}` : "–"],
    [LABELS.fps, stats ? `${Math.round(stats.fps)} fps` : "–"],
    [LABELS.bitrate, stats ? bitrate(stats.bitrateKbps) : "–"],
    [LABELS.rtt, stats ? roundTrip(stats.rttMs) : "–"],
    [LABELS.loss, stats ? `${stats.lossPercent.toFixed(1)} %` : "–"],
    [LABELS.path, path ? LABELS[path] : "–"],
    [LABELS.signaling, transport ? LABELS[transport] : "–"],
  ];
  const notes = [
    fallback && whyLongPoll(fallback, LABELS.thisNetwork),
    deviceFallback && `${LABELS.cameraLongPoll} ${whyLongPoll(deviceFallback, LABELS.cameraNetwork)}`,
  ];
  return html`<dl id="panel" aria-label=${LABELS.stats}>
    ${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
    ${notes.map((note) => (note ? html`<dd class="note">${note}</dd>` : nothing))}
  </dl>`;
}

function bitrate(kbps: number): string {
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${kbps} kbit/s`;
}

function roundTrip(ms: number): string {
  return ms < 1 ? "< 1 ms" : `${Math.round(ms)} ms`;
}
