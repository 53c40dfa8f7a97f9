import { type TemplateResult } from "lit";
/** What a button that acts while it is held does. */
export interface Held {
    label: string;
    icon: unknown;
    /** Further classes of it. */
    look?: string;
    /** Whether what it does is going on. */
    on: boolean;
    press(): void;
    release(): void;
    /** What a click does that no pointer and no key has made, as assistive technology sends it. */
    tap(): void;
}
/** Draws a button that acts from press to release, by pointer, touch, space bar or Enter, and stops when it loses the focus. */
export declare function heldButton({ label, icon, look, on, press, release, tap }: Held): TemplateResult;
