/** What a viewer's peer connection is made for. */
export interface PeerOptions {
    /** Whether to ask for sound beside the picture. */
    audio: boolean;
    /** Whether the viewer may be heard at the camera. */
    talk: boolean;
    /** Whether to use relays only, whatever the hub's policy allows. */
    relayOnly: boolean;
}
/** A peer connection, and what sends the viewer's sound if that may be. */
export interface MadePeer {
    peer: RTCPeerConnection;
    mouth: RTCRtpSender | undefined;
}
/**
 * Makes the peer connection of a viewer, which receives: cameras send H.264, so that comes first. The viewer's own sound
 * has a section of its own, which stays empty until somebody talks: nothing has to be negotiated then.
 */
export declare function makePeer({ audio, talk, relayOnly }: PeerOptions): MadePeer;
/**
 * Tells when another candidate pair is selected, in browsers that say so. Call it when an answer is in place; again does
 * no harm.
 */
export declare function onPair(peer: RTCPeerConnection, changed: () => void): void;
