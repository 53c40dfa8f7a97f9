import type { LinkOptions } from "../link/options.ts";
import type { ProtocolError } from "../protocol/error.ts";
import type { View } from "./view.ts";
/** Brings a new token; undefined or a rejection means that there is none. */
export type TokenProvider = (why?: ProtocolError) => Promise<string | undefined> | string | undefined;
/** What a viewer is made with. */
export interface ViewerOptions {
    /** The hub's address. */
    hub: URL;
    device: string;
    token: string;
    /** Asked for a new token before the lease ends, and when the hub refuses the one it has. */
    tokenProvider?: TokenProvider | undefined;
    /** Whether to use relays only. */
    relayOnly?: boolean;
    /** Whether to fetch the camera's latest still picture, to be shown until the live one is there. */
    poster?: boolean;
    /** By which doors the link comes, and when it changes them; absent is the usual. */
    link?: Pick<LinkOptions, "doors" | "fallback"> | undefined;
}
/** What a viewer tells. */
export interface ViewerEvents {
    /** Something of the view has changed. */
    change: View;
    /** There is a picture to show, or none any more. */
    stream: MediaStream | undefined;
}
