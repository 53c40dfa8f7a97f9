import type { RenditionName, SourceState } from "../protocol/control.ts";
import type { Fallback, FallbackReason } from "../protocol/fallback.ts";
import type { RelayReason } from "../session/reason.ts";
import type { TalkHint } from "../viewer/talking.ts";
import type { State, View, Why } from "../viewer/view.ts";
/** What a person reads about one situation. */
export interface Words {
    title: string;
    detail: string;
}
/** What to say of a state that has no reason. */
export declare const STATE_WORDS: Readonly<Record<State, Words>>;
/** What to say of each end reason, each error code and each hint. Translate this table to translate the player. */
export declare const WHY_WORDS: Readonly<Record<Why, Words>>;
/** Why there is no WebSocket. Only the first is known to most browsers. */
export declare const FALLBACK_WORDS: Readonly<Record<FallbackReason, string>>;
/** Says why there is no WebSocket, in whose network, with the detail if there is one. */
export declare function whyLongPoll({ reason, detail }: Fallback, network: string): string;
/** What made a path, where that is more than the usual. */
export declare const MEANS_WORDS: Readonly<Record<string, string>>;
/** Why the picture comes through a relay. */
export declare const RELAY_WORDS: Readonly<Record<RelayReason, string>>;
/** Shown once a session was on the relay for as long as it may. */
export declare const RELAY_TIME_WORDS: Words;
/** Shown over a picture that goes on although the link is gone. */
export declare const PICTURE_CONTINUES = "Link lost \u2014 picture continues";
/** Why a person who wanted to be heard is not. */
export declare const TALK_WORDS: Readonly<Record<TalkHint, string>>;
/** What the renditions of a camera are called. */
export declare const RENDITION_WORDS: Readonly<Record<RenditionName, string>>;
/** What to say while the camera itself sends nothing to what this page is connected to. */
export declare const SOURCE_WORDS: Readonly<Record<Exclude<SourceState, "up">, string>>;
/** Says that a source is not up, and in how many seconds it is tried again. */
export declare function sourceWords(source: Exclude<SourceState, "up">, retryAt: Date | undefined, now?: Date): string;
/** Shown when there was nothing to keep. */
export declare const NO_STILL = "There is no picture to save right now";
/** Everything else that the player says. */
export declare const LABELS: {
    readonly camera: "Camera";
    readonly direct: "Direct";
    readonly relay: "Relay";
    readonly directTitle: "The picture comes straight from the camera";
    readonly relayTitle: "The picture comes through a relay";
    readonly fullscreen: "Full screen";
    readonly leaveFullscreen: "Leave full screen";
    readonly soundOn: "Turn sound on";
    readonly soundOff: "Turn sound off";
    readonly stats: "Picture details";
    readonly again: "Try again";
    readonly talk: "Hold to talk";
    readonly talking: "You are heard. Let go to stop";
    readonly othersTalk: "Somebody else is talking";
    readonly snapshot: "Save a picture";
    readonly quality: "Quality";
    readonly auto: "Auto";
    readonly moveCamera: "Move the camera";
    readonly up: "Up";
    readonly down: "Down";
    readonly left: "Left";
    readonly right: "Right";
    readonly closer: "Zoom in";
    readonly wider: "Zoom out";
    readonly home: "Home position";
    readonly saved: "Picture saved";
    readonly lastSeen: "last seen";
    readonly codec: "Codec";
    readonly resolution: "Resolution";
    readonly fps: "Frame rate";
    readonly bitrate: "Bitrate";
    readonly rtt: "Round trip";
    readonly loss: "Packet loss";
    readonly retransmitted: "Sent again";
    readonly freezes: "Freezes";
    readonly path: "Path";
    readonly firstPath: "First path";
    readonly directPath: "Direct path";
    readonly signaling: "Signaling";
    readonly websocket: "WebSocket";
    readonly long_poll: "Long poll";
    readonly thisNetwork: "this network";
    readonly cameraNetwork: "the camera's network";
    readonly cameraLongPoll: "The camera is on long poll too.";
};
/** What of a view its words depend on. */
export type Situation = Pick<View, "state" | "reason"> & Partial<Pick<View, "lastSeen" | "relayTime" | "camera" | "retryAt">>;
/** The words for a state and its reason. */
export declare function plainWords({ state, reason, relayTime, camera }: Situation): Words;
/** The words for a state and its reason; a camera that is away says since when. */
export declare function wordsFor(situation: Situation, now?: Date): Words;
