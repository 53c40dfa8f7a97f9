import { Emitter } from "../emitter.ts";
import { Controls } from "./controls.ts";
import type { ViewerEvents, ViewerOptions } from "./options.ts";
import { type State, type View } from "./view.ts";
/**
 * Looks at one device for as long as it is allowed: opens a session, opens another when that one ends, waits while the
 * camera is away, renews its token, and says at every moment what a person should know.
 */
export declare class Viewer {
    #private;
    readonly events: Emitter<ViewerEvents>;
    /** What can be done with the camera beside looking. */
    readonly controls: Controls;
    constructor(options: ViewerOptions);
    /** What a person should know now. */
    get view(): View;
    /** The state alone. */
    get state(): State;
    /** Begins: the socket opens and the first offer is made at the same time. */
    start(): void;
    /** Leaves: the session ends and the link is closed. */
    stop(): void;
    /** Begins again, whatever the end was. */
    again(): void;
    /** Goes on with another token; a viewer whose token was refused begins again. */
    setToken(token: string): void;
    /** Shows the picture in a video element, as large as that is, until the returned function is called. */
    attach(video: HTMLVideoElement): () => void;
}
