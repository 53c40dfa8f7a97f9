import { type TemplateResult } from "lit";
import type { View } from "../viewer/view.ts";
import type { FaceActions, FaceState } from "./face.ts";
/** Draws the buttons at the bottom: only those of what can be done. */
export declare function bar(view: View, face: FaceState, act: FaceActions): TemplateResult;
