/** The protocol version that a hello announces. */
export declare const VERSION = 1;
/** The WebSocket subprotocol of the link (RFC 6455 section 1.9). */
export declare const SUBPROTOCOL = "sightline.v1";
/** Limits that both ends of a link keep; protocol/limits.go is where they are decided. Sizes are bytes of UTF-8. */
export declare const LIMITS: {
    readonly messageBytes: number;
    readonly unacked: 256;
    readonly unackedBytes: number;
    readonly pendingPerSession: 64;
    readonly sdpBytes: number;
    readonly candidateBytes: number;
    readonly syncCandidates: 64;
    readonly tokenBytes: number;
    readonly nameBytes: 128;
    readonly iceServers: 16;
    readonly hosts: 16;
    readonly candidatesPerSecond: 20;
    readonly fallbackDetailBytes: 200;
    /** Of the body of a send and of a response on the long poll door. */
    readonly parcelBytes: number;
    /** Of a text message of the control channel, and of a snapshot. */
    readonly controlBytes: number;
    readonly snapshotBytes: number;
    readonly controlsPerSecond: 20;
};
/** Durations of the protocol in milliseconds; what welcome says goes before these. */
export declare const TIMES: {
    readonly hello: 5000;
    readonly pingBusy: 10000;
    readonly pingGrace: 8000;
    readonly ackDelay: 1000;
    readonly mediaReport: 10000;
    readonly pollWait: 25000;
};
/** A lone acknowledgement goes out after so many messages at the latest. */
export declare const ACK_EVERY = 32;
