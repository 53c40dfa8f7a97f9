import { type Camera, type ControlBodies, type Viewport } from "../protocol/control.ts";
/** What a viewer may ask for. */
export type Request = "keyframe" | "rendition" | "ptz" | "snapshot" | "talk";
/** What a control channel tells. */
export interface ControlEvents {
    /** The device listens. */
    open(): void;
    status(camera: Camera): void;
    /** The device listens no more. */
    closed(): void;
}
/**
 * The data channel between a viewer and its device; it has to be made before the first offer. A device that knows none
 * leaves it closed: then nothing is told, and every request fails.
 */
export declare class ControlChannel {
    #private;
    constructor(peer: RTCPeerConnection, events: ControlEvents);
    /** Whether the device listens. */
    get open(): boolean;
    /** Tells how large the picture is shown, as soon as the device listens. */
    see(viewport: Viewport): void;
    /** Tells what wants no answer. It is lost where the device does not listen. */
    tell<T extends Request>(type: T, data: ControlBodies[T]): void;
    /**
     * Asks, and settles when it is done. Fails with a ProtocolError: the device's own, offline where it does not listen, or
     * timeout.
     */
    ask<T extends Request>(type: T, data: ControlBodies[T]): Promise<void>;
    /** Asks for a still picture, one at a time. Fails as ask does. */
    snapshot(): Promise<Blob>;
    /** Fails what waits for an answer. */
    stop(): void;
}
