/** The protocol version that a hello announces. */
export const VERSION = 1;
/** The WebSocket subprotocol of the link (RFC 6455 section 1.9). */
export const SUBPROTOCOL = "sightline.v1";
/** Limits that both ends of a link keep; protocol/limits.go is where they are decided. Sizes are bytes of UTF-8. */
export const LIMITS = {
    messageBytes: 64 << 10,
    unacked: 256,
    unackedBytes: 256 << 10,
    pendingPerSession: 64,
    sdpBytes: 48 << 10,
    candidateBytes: 1 << 10,
    syncCandidates: 64,
    tokenBytes: 4 << 10,
    nameBytes: 128,
    iceServers: 16,
    hosts: 16,
    candidatesPerSecond: 20,
    fallbackDetailBytes: 200,
    /** Of the body of a send and of a response on the long poll door. */
    parcelBytes: 256 << 10,
    /** Of a text message of the control channel, and of a snapshot. */
    controlBytes: 16 << 10,
    snapshotBytes: 1 << 20,
    controlsPerSecond: 20,
};
/** Durations of the protocol in milliseconds; what welcome says goes before these. */
export const TIMES = {
    hello: 5_000,
    pingBusy: 10_000,
    pingGrace: 8_000,
    ackDelay: 1_000,
    mediaReport: 10_000,
    pollWait: 25_000,
};
/** A lone acknowledgement goes out after so many messages at the latest. */
export const ACK_EVERY = 32;
//# sourceMappingURL=limits.js.map