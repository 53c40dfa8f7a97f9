import type { Path } from "../protocol/session.ts";
import type { Origins } from "./origins.ts";
/** Reads which candidate pair the media uses, and what made it; undefined before there is one. */
export declare function pathOf(report: RTCStatsReport, origins: Origins): Path | undefined;
/** Whether two paths are the same way; how fast it is and when it came may differ. */
export declare function samePath(a: Path, b: Path | undefined): boolean;
