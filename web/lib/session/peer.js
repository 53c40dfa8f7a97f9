/**
 * Makes the peer connection of a viewer, which receives: cameras send H.264, so that comes first. The viewer's own sound
 * has a section of its own, which stays empty until somebody talks: nothing has to be negotiated then.
 */
export function makePeer({ audio, talk, relayOnly }) {
    const peer = new RTCPeerConnection({
        bundlePolicy: "max-bundle",
        iceTransportPolicy: relayOnly ? "relay" : "all",
    });
    const video = peer.addTransceiver("video", { direction: "recvonly" });
    preferH264(video);
    playAtOnce(video.receiver);
    if (audio)
        playAtOnce(peer.addTransceiver("audio", { direction: "recvonly" }).receiver);
    const mouth = talk ? peer.addTransceiver("audio", { direction: "sendonly" }).sender : undefined;
    return { peer, mouth };
}
/**
 * Tells when another candidate pair is selected, in browsers that say so. Call it when an answer is in place; again does
 * no harm.
 */
export function onPair(peer, changed) {
    peer.getReceivers()[0]?.transport?.iceTransport?.addEventListener?.("selectedcandidatepairchange", changed);
}
function preferH264(video) {
    const codecs = globalThis.RTCRtpReceiver?.getCapabilities?.("video")?.codecs;
    if (!codecs || !video.setCodecPreferences)
        return;
    const first = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === "video/h264");
    video.setCodecPreferences([...first, ...codecs.filter((codec) => !first.includes(codec))]);
}
/** Asks for the least delay between arrival and picture that the browser can hold. */
function playAtOnce(receiver) {
    if ("jitterBufferTarget" in receiver)
        receiver.jitterBufferTarget = 0;
    else if ("playoutDelayHint" in receiver)
        receiver.playoutDelayHint = 0;
}
//# sourceMappingURL=peer.js.map