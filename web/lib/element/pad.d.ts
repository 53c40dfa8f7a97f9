import { type TemplateResult } from "lit";
import type { FaceActions, FaceState } from "./face.ts";
/** Draws what moves the camera: a cross of arrows with home in its middle, and the zoom beside it. */
export declare function pad(face: FaceState, act: FaceActions): TemplateResult;
