import type { PTZ, RenditionName } from "../protocol/control.ts";
import type { Viewer } from "../viewer/viewer.ts";
import { Moving } from "./moving.ts";
/** What the hands of a person work on. */
export interface Workpiece {
    readonly viewer: Viewer | undefined;
    readonly video: HTMLVideoElement | undefined;
    readonly name: string;
    redraw(): void;
}
/** What a person does with a camera beside looking: talk, move it, choose a rendition, keep a picture. */
export declare class Hands {
    #private;
    readonly moving: Moving;
    constructor(work: Workpiece);
    /** A word on what was just done; empty after a while. */
    get word(): string;
    /** Begins to be heard, or ends it. */
    talk(on: boolean): Promise<void>;
    /** The same of a button or a key that is held, which anything may let go. */
    holdToTalk(on: boolean): void;
    /** Moves the camera. */
    move(ptz: PTZ): void;
    /** Asks for a rendition; undefined leaves it to the camera. */
    choose(rendition: RenditionName | undefined): void;
    /** Takes up a viewer that has just been made, with the rendition that was asked for before. */
    takeUp({ controls }: Viewer): void;
    /** Takes a still picture: the camera's own where it makes one, else the frame that is shown. */
    snapshot(): Promise<Blob>;
    /** Takes a still picture and has the browser keep it as a file. */
    save(): Promise<void>;
    /** Lets go of whatever is held. */
    release(): void;
}
