import { type ErrorBody } from "./error.ts";
/** The label of the data channel on which a viewer and a device talk without the hub. */
export declare const CONTROL_LABEL = "control";
/** How large a viewer shows the picture, in pixels of its screen; zero means that it is not to be seen. */
export interface Viewport {
    width: number;
    height: number;
}
/** The streams that a camera may have. */
export declare const RENDITIONS: readonly ["main", "sub"];
/** See {@link RENDITIONS}. */
export type RenditionName = (typeof RENDITIONS)[number];
/** Names a rendition; without one the device chooses. */
export interface Choice {
    rendition?: RenditionName;
}
/** Moves a camera at speeds from -1 to 1: right, up and closer are positive, all zero stops. Home goes alone. */
export interface PTZ {
    pan: number;
    tilt: number;
    zoom: number;
    home?: boolean;
}
/** Says whether the viewer's sound is to be heard. */
export interface Talk {
    on: boolean;
}
/** Where a camera's source stands: dialing is the first time or again, down is tried again. */
export type SourceState = "dialing" | "up" | "down";
/** One of the streams of a camera. */
export interface Rendition {
    name: RenditionName;
    codec: string;
    width: number;
    height: number;
    fps?: number;
}
/** Something that the camera has and the viewer does without. */
export interface Note {
    /** audio_dropped, video_left_out, source_quirk, no_talk, or one of a newer device. */
    code: string;
    message: string;
}
/** How a camera is, and what it can do for this viewer. */
export interface Camera {
    source: SourceState;
    /** Why the source is down, in words, and in how many milliseconds it is tried again. */
    why?: string;
    retry_ms?: number;
    /** Those that the viewer can have, the best first; rendition is the one that it gets, auto whether the device chooses. */
    renditions: Rendition[];
    rendition?: RenditionName;
    auto?: boolean;
    /** What this viewer may ask for and the camera has. */
    talk?: boolean;
    ptz?: boolean;
    snapshot?: boolean;
    /** Somebody is heard at the camera. */
    talking?: boolean;
    notes?: Note[];
}
/** Answers a request for a snapshot: its bytes follow in binary messages. */
export interface Still {
    media_type: string;
    bytes: number;
}
/** The body of each control message; undefined for those that have none. */
export interface ControlBodies {
    keyframe: undefined;
    view: Viewport;
    rendition: Choice;
    ptz: PTZ;
    snapshot: undefined;
    talk: Talk;
    status: Camera;
    ok: Still | undefined;
    error: ErrorBody;
}
/** The name of a control message. */
export type ControlType = keyof ControlBodies;
/** What a control message carries beside its type and body. */
export interface ControlHead {
    /** Names a request, which is answered; absent wants no answer. */
    id?: number;
    /** The id that an answer is for. */
    re?: number;
}
/** One message of the control channel; its type decides its body. */
export type Control<T extends ControlType = ControlType> = {
    [K in T]: ControlHead & {
        type: K;
        data?: ControlBodies[K];
    };
}[T];
/** Every control message, those of a viewer first. */
export declare const CONTROLS: ControlType[];
/** Reads a control message. Throws a ProtocolError with bad_message, too_large, invalid or unknown_type. */
export declare function decodeControl(raw: string): Control;
/** Writes a control message. Throws a ProtocolError with too_large. */
export declare function encodeControl(control: Control): string;
