import { html, nothing } from "lit";
import { LABELS, MEANS_WORDS, RELAY_WORDS, RENDITION_WORDS, whyLongPoll } from "./words.js";
/** The figures of the picture, for whoever asks for them. */
export function panel(view) {
    const { stats, path, pathDetails, transport, fallback, deviceFallback, camera } = view;
    const rows = [
        ...quality(camera),
        [LABELS.codec, stats?.codec || "–"],
        [LABELS.resolution, stats?.width ? `${stats.width} × ${stats.height}` : "–"],
        [LABELS.fps, stats ? `${Math.round(stats.fps)} fps` : "–"],
        [LABELS.bitrate, stats ? bitrate(stats.bitrateKbps) : "–"],
        [LABELS.rtt, stats ? roundTrip(stats.rttMs) : "–"],
        [LABELS.loss, stats ? `${stats.lossPercent.toFixed(1)} %` : "–"],
        [LABELS.retransmitted, stats ? packets(stats.retransmitted) : "–"],
        [LABELS.freezes, stats ? freezes(stats) : "–"],
        [LABELS.path, path ? pathWords(path, pathDetails?.means) : "–"],
        ...times(pathDetails),
        [LABELS.signaling, transport ? LABELS[transport] : "–"],
    ];
    const notes = [
        camera?.source === "down" && camera.why && sentence(camera.why),
        ...(camera?.notes ?? []).map(({ message }) => sentence(message)),
        pathDetails?.why && RELAY_WORDS[pathDetails.why],
        fallback && whyLongPoll(fallback, LABELS.thisNetwork),
        deviceFallback && `${LABELS.cameraLongPoll} ${whyLongPoll(deviceFallback, LABELS.cameraNetwork)}`,
    ];
    return html `<dl id="panel" aria-label=${LABELS.stats}>
    ${rows.map(([name, value]) => html `<dt>${name}</dt><dd>${value}</dd>`)}
    ${notes.map((note) => (note ? html `<dd class="note">${note}</dd>` : nothing))}
  </dl>`;
}
/** What is sent of a camera that has a choice. */
function quality(camera) {
    if (!camera?.rendition || camera.renditions.length < 2)
        return [];
    const words = RENDITION_WORDS[camera.rendition];
    return [[LABELS.quality, camera.auto ? `${words} (${LABELS.auto})` : words]];
}
function packets(count) {
    return count === 1 ? "1 packet" : `${count} packets`;
}
function freezes({ freezes, frozenS }) {
    return freezes > 0 ? `${freezes} (${frozenS.toFixed(1)} s)` : "none";
}
/** A device's words with a capital and a full stop. */
function sentence(words) {
    const whole = words.charAt(0).toUpperCase() + words.slice(1);
    return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
function pathWords(path, means = "") {
    const words = MEANS_WORDS[means];
    return words ? `${LABELS[path]} (${words})` : LABELS[path];
}
/** When there was a path, and when the direct one came after it. */
function times(details) {
    if (!details)
        return [];
    const { firstMs, directMs } = details;
    const rows = [[LABELS.firstPath, after(firstMs)]];
    if (directMs !== undefined && directMs !== firstMs)
        rows.push([LABELS.directPath, after(directMs)]);
    return rows;
}
function after(ms) {
    return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
function bitrate(kbps) {
    return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${kbps} kbit/s`;
}
function roundTrip(ms) {
    return ms < 1 ? "< 1 ms" : `${Math.round(ms)} ms`;
}
//# sourceMappingURL=panel.js.map