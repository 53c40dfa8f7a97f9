import type { View } from "../viewer/view.ts";
/** Shows a change of a view on its element: in attributes, and in events that cross shadow roots. */
export declare function showSigns(host: HTMLElement, before: View, view: View): void;
/** Whether a change is to be seen. */
export declare function isSeen(before: View, view: View, panel: boolean): boolean;
