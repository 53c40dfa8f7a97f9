import { type TemplateResult } from "lit";
import type { Camera } from "../protocol/control.ts";
import type { FaceActions } from "./face.ts";
/** Draws the choice of renditions. */
export declare function menu(camera: Camera, act: FaceActions): TemplateResult;
