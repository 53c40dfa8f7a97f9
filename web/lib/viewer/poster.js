import { LIMITS } from "../protocol/limits.js";
import { addressOf } from "../protocol/poll.js";
/** What was seen so long ago says nothing of now (milliseconds). */
const tooOld = 600_000;
/** The live picture fades in over it (milliseconds). */
const fades = 400;
/** The camera's latest still picture, to be shown until the live one is there. It is a help that may fail in silence. */
export class Poster {
    #changed;
    #url;
    #timer;
    #fetching;
    constructor(changed) {
        this.#changed = changed;
    }
    /** An object URL of it; undefined while there is none. */
    get url() {
        return this.#url;
    }
    /** Asks the hub for it, after all that the live picture needs. */
    async fetch(hub, device, token) {
        this.drop();
        const fetching = new AbortController();
        this.#fetching = fetching;
        try {
            const response = await fetch(addressOf(hub, `v1/link/snapshot/${device}`), {
                headers: { Authorization: `Bearer ${token}` },
                credentials: "omit",
                priority: "low",
                signal: fetching.signal,
            });
            const left = tooOld - Number(response.headers.get("age") ?? 0) * 1000;
            if (!response.ok || !(left > 0))
                return;
            const picture = await response.blob();
            if (fetching.signal.aborted || picture.type !== "image/jpeg" || picture.size > LIMITS.snapshotBytes)
                return;
            this.#url = URL.createObjectURL(picture);
            this.#timer = setTimeout(() => this.drop(), left);
            this.#changed();
        }
        catch {
            // Without a poster the live picture comes all the same.
        }
    }
    /** Shows it no more once the live picture has had time to fade in over it. */
    fade() {
        this.#fetching?.abort();
        if (!this.#url)
            return;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.drop(), fades);
    }
    /** Shows it no more. */
    drop() {
        this.#fetching?.abort();
        clearTimeout(this.#timer);
        if (!this.#url)
            return;
        URL.revokeObjectURL(this.#url);
        this.#url = undefined;
        this.#changed();
    }
}
//# sourceMappingURL=poster.js.map