import { type TemplateResult } from "lit";
import type { View } from "../viewer/view.ts";
/** The figures of the picture, for whoever asks for them. */
export declare function panel(view: View): TemplateResult;
