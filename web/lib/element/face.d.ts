import { type TemplateResult } from "lit";
import type { RenditionName } from "../protocol/control.ts";
import type { View } from "../viewer/view.ts";
import type { Move } from "./moving.ts";
/** What may be open over the picture, one at a time. */
export type Opened = "panel" | "menu" | "pad";
/** What the face shows beside the view. */
export interface FaceState {
    name: string;
    open: Opened | undefined;
    /** Whether there is sound, and whether it is off. */
    audible: boolean;
    muted: boolean;
    fullscreen: boolean;
    /** Whether nobody has touched the player for a while. */
    quiet: boolean;
    /** A word on what was just done. */
    word: string;
    /** Whether the camera is being moved that way. */
    moves(move: Move): boolean;
}
/** What a person can do. */
export interface FaceActions {
    toggleSound(): void;
    toggle(what: Opened): void;
    toggleFullscreen(): void;
    again(): void;
    touched(): void;
    pressed(event: PointerEvent): void;
    /** The focus has gone somewhere. */
    left(event: FocusEvent): void;
    key(event: KeyboardEvent): void;
    keyUp(event: KeyboardEvent): void;
    talk(on: boolean): void;
    snapshot(): void;
    choose(rendition: RenditionName | undefined): void;
    hold(move: Move): void;
    letGo(move: Move): void;
    home(): void;
}
/** Draws the player around its video element. */
export declare function face(view: View, face: FaceState, act: FaceActions, video: TemplateResult): TemplateResult;
