import type { Speech } from "../session/speech.ts";
/** Whether the viewer is heard: not, about to be, or now. */
export type TalkState = "off" | "asking" | "on";
/** Every reason why a viewer that wanted to be heard is not. */
export declare const TALK_HINTS: readonly ["insecure", "denied", "no_microphone", "busy", "failed", "again"];
/**
 * Why a viewer that wanted to be heard is not: the page is not on HTTPS, the microphone may not be used, there is none,
 * somebody else is heard, the camera does not take it, or the browser asked its question for longer than the button was
 * held, so that it has to be pressed again.
 */
export type TalkHint = (typeof TALK_HINTS)[number];
/** What a person should know of their talking. */
export interface TalkView {
    readonly state: TalkState;
    readonly hint: TalkHint | undefined;
}
/** Opens the microphone for as long as somebody wants to be heard, and no longer. */
export declare class Talking {
    #private;
    constructor(changed: () => void);
    /** What a person should know now. */
    get view(): TalkView;
    /** Talks in another session from now on, or in none. Nobody is heard in it before start. */
    use(speech: Speech | undefined): void;
    /** Begins to be heard. It settles when that is so, or when it is plain that it will not be. */
    start(): Promise<void>;
    /** Is heard no more, and closes the microphone. */
    stop(): void;
    /** Takes in whether anybody is heard at the camera, as it says: one that is not any more learns it so. */
    heard(anybody: boolean): void;
}
