import { type SVGTemplateResult } from "lit";
/** The player's icons, drawn for a 24 by 24 grid. */
export declare const ICONS: {
    readonly direct: SVGTemplateResult;
    readonly relay: SVGTemplateResult;
    readonly expand: SVGTemplateResult;
    readonly shrink: SVGTemplateResult;
    readonly sound: SVGTemplateResult;
    readonly muted: SVGTemplateResult;
    readonly stats: SVGTemplateResult;
    readonly camera: SVGTemplateResult;
    readonly away: SVGTemplateResult;
    readonly microphone: SVGTemplateResult;
    readonly move: SVGTemplateResult;
    readonly still: SVGTemplateResult;
    readonly up: SVGTemplateResult;
    readonly down: SVGTemplateResult;
    readonly left: SVGTemplateResult;
    readonly right: SVGTemplateResult;
    readonly closer: SVGTemplateResult;
    readonly wider: SVGTemplateResult;
    readonly home: SVGTemplateResult;
    readonly tick: SVGTemplateResult;
    readonly stop: SVGTemplateResult;
    readonly signal: SVGTemplateResult;
};
