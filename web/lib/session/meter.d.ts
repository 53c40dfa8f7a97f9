import type { Path } from "../protocol/session.ts";
import type { Origins } from "./origins.ts";
import { type Quality } from "./quality.ts";
/** What a meter tells. */
export interface MeterEvents {
    quality(quality: Quality): void;
    /** The selected pair changed. */
    path(path: Path): void;
    /** Frames began to be decoded, or stopped. */
    flowing(flowing: boolean): void;
    /** Media flowed since the last report, which is due. */
    report(quality: Quality): void;
}
/** Looks at a peer connection's statistics until it is stopped. */
export declare class Meter {
    #private;
    constructor(peer: RTCPeerConnection, origins: Origins, events: MeterEvents);
    /** Counts from now on: the session is asked for. */
    begin(): void;
    /** The newest path; undefined before there is one. */
    get path(): Path | undefined;
    /** Whether frames are being decoded. */
    get flowing(): boolean;
    /** Looks now, and from then on. */
    look(): void;
    /** The selected pair may be another one. */
    changed(): void;
    /** Says once more that media flows, as state has to be after every welcome. */
    repeat(): void;
    /** Notes that a frame was shown. */
    shown(): void;
    /** Looks no more. */
    stop(): void;
}
