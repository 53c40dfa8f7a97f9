import { LitElement, type TemplateResult } from "lit";
import type { Camera, PTZ, Rendition, RenditionName } from "../protocol/control.ts";
import type { Door, Fallback } from "../protocol/fallback.ts";
import type { TokenProvider, ViewerOptions } from "../viewer/options.ts";
import type { TalkView } from "../viewer/talking.ts";
import type { State, View, Why } from "../viewer/view.ts";
/**
 * `<sightline-camera>`: a device's live picture.
 *
 * Attributes: `hub` (default the page's origin), `device`, `token`, `ice` (`relay` uses relays only), `label`. It
 * reflects `data-state`, `data-path`, `data-transport` and `data-source`, and fires `sightline-state`, `sightline-path`,
 * `sightline-transport`, `sightline-camera` and `sightline-talk` when something changes.
 */
export declare class SightlineCamera extends LitElement {
    #private;
    static styles: import("lit").CSSResult[];
    static properties: {
        hub: {
            type: StringConstructor;
        };
        device: {
            type: StringConstructor;
        };
        token: {
            type: StringConstructor;
        };
        ice: {
            type: StringConstructor;
        };
        label: {
            type: StringConstructor;
        };
        tokenProvider: {
            attribute: boolean;
        };
        linkOptions: {
            attribute: boolean;
        };
    };
    /** The hub's address; empty means the origin of the page. */
    hub: string;
    /** The device to look at. */
    device: string;
    /** The viewer token. */
    token: string;
    /** `relay` uses relays only; anything else leaves it to the hub. */
    ice: string;
    /** What to call the camera; empty means the name it enrolled with, or its device id. */
    label: string;
    /** Brings a new token when the one in use ends or is refused. */
    tokenProvider: TokenProvider | undefined;
    /** By which doors the link comes and when it changes them, for tests; counts from the next viewing on. */
    linkOptions: ViewerOptions["link"];
    constructor();
    /** `idle`, `connecting`, `live`, `waiting` or `closed`. */
    get state(): State;
    /** Why the state is what it is: an end reason, an error code, `link_lost`, `stalled` or `unsupported`; else null. */
    get reason(): Why | null;
    /** `direct` or `relay`; null while there is no path. */
    get path(): "direct" | "relay" | null;
    /** What made the path, when it and the direct one came, and why it is a relay's; null while there is no path. */
    get pathDetails(): NonNullable<View["pathDetails"]> | null;
    /** What carries the signaling: `websocket` or `long_poll`; null while the server cannot be reached. */
    get transport(): Door | null;
    /** Why that is not the WebSocket, as a reason and a detail for people; null when it is. */
    get fallback(): Fallback | null;
    /** Figures of the picture; null before there is one. */
    get stats(): NonNullable<View["stats"]> | null;
    /** What the camera is called: its label, the name it enrolled with, or its device id. */
    get name(): string;
    /** How the camera is, and what it can do; null while nobody tells. */
    get camera(): Camera | null;
    /** The renditions that the camera offers this viewer, the best first. */
    get renditions(): readonly Rendition[];
    /** The rendition that the camera sends; null while that is not known. Setting null leaves the choice to the camera. */
    get rendition(): RenditionName | null;
    set rendition(name: RenditionName | null);
    /** Whether this viewer is heard at the camera, and why not. */
    get talking(): TalkView;
    /**
     * Begins to be heard at the camera, for as long as it is not ended: the microphone is open exactly so long. It settles
     * when `talking` says what came of it.
     */
    talk(on: boolean): Promise<void>;
    /** Takes a still picture: the camera's own where it makes one, else the frame that is shown. Fails where there is none. */
    snapshot(): Promise<Blob>;
    /**
     * Moves the camera at speeds from -1 to 1 (right, up and closer are positive), for a second at most unless it is called
     * again; without any it stops. `home` takes it to its home position.
     */
    move({ pan, tilt, zoom, home }?: Partial<PTZ>): void;
    connectedCallback(): void;
    disconnectedCallback(): void;
    protected firstUpdated(): void;
    protected updated(): void;
    protected render(): TemplateResult;
}
