import { TIMES } from "../protocol/limits.js";
import { pathOf, samePath } from "./path.js";
import { measure } from "./quality.js";
/** How often to look: often until the first frame, then as often as a person reads figures (milliseconds). */
const lookEarly = 200;
const lookLater = 1000;
/** Chromium repeats a report for 50 ms; a change that was told in that time is in the next one (milliseconds). */
const reportLasts = 60;
/** So long without a new frame means that the picture stands. A camera at one frame a second is still live. */
const standsAfter = 3000;
/** Looks at a peer connection's statistics until it is stopped. */
export class Meter {
    #peer;
    #origins;
    #events;
    /** When the session was asked for, and when the browser told that the pair is another one, until it is found. */
    #begun = 0;
    #changedAt;
    #timer;
    #quality;
    #path;
    #flowing = false;
    #grewAt = 0;
    #reportedAt = Number.NEGATIVE_INFINITY;
    #stopped = false;
    constructor(peer, origins, events) {
        this.#peer = peer;
        this.#origins = origins;
        this.#events = events;
    }
    /** Counts from now on: the session is asked for. */
    begin() {
        this.#begun = Date.now();
    }
    /** The newest path; undefined before there is one. */
    get path() {
        return this.#path;
    }
    /** Whether frames are being decoded. */
    get flowing() {
        return this.#flowing;
    }
    /** Looks now, and from then on. */
    look() {
        clearTimeout(this.#timer);
        if (this.#stopped)
            return;
        void this.#look();
        this.#timer = setTimeout(() => this.look(), this.#pause);
    }
    /** How long to wait for the next look. A path that has not been found yet is news, whatever else is known. */
    get #pause() {
        if (this.#changedAt !== undefined)
            return reportLasts;
        return this.#flowing && this.#path ? lookLater : lookEarly;
    }
    /** The selected pair may be another one. */
    changed() {
        this.#changedAt ??= Date.now();
        this.look();
    }
    /** Says once more that media flows, as state has to be after every welcome. */
    repeat() {
        this.#reportedAt = Number.NEGATIVE_INFINITY;
    }
    /** Notes that a frame was shown. */
    shown() {
        if (this.#stopped)
            return;
        this.#grewAt = Date.now();
        this.#flow(true);
        this.look();
    }
    /** Looks no more. */
    stop() {
        this.#stopped = true;
        clearTimeout(this.#timer);
    }
    async #look() {
        const report = await this.#peer.getStats();
        if (this.#stopped)
            return;
        this.#take(pathOf(report, this.#origins));
        const quality = measure(report, this.#quality);
        if (!quality)
            return;
        const now = Date.now();
        const grew = quality.frames > (this.#quality?.frames ?? 0);
        this.#quality = quality;
        if (grew)
            this.#grewAt = now;
        this.#flow(grew || (this.#flowing && now - this.#grewAt < standsAfter));
        this.#events.quality(quality);
        if (grew && now - this.#reportedAt >= TIMES.mediaReport) {
            this.#reportedAt = now;
            this.#events.report(quality);
        }
    }
    #take(path) {
        const now = Date.now();
        const at = this.#changedAt ?? now;
        if (path && !samePath(path, this.#path)) {
            // A kind of path that goes on was there when it began: only what is known of it is new.
            const before = path.kind === this.#path?.kind ? this.#path.after_ms : undefined;
            path.after_ms = before ?? Math.max(0, at - this.#begun);
            this.#path = path;
            this.#changedAt = undefined;
            this.#events.path(path);
        }
        else if (now - at >= reportLasts)
            this.#changedAt = undefined;
    }
    #flow(flowing) {
        if (flowing === this.#flowing)
            return;
        this.#flowing = flowing;
        this.#events.flowing(flowing);
    }
}
//# sourceMappingURL=meter.js.map