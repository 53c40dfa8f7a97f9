import { LIMITS } from "../protocol/limits.js";
import { addressOf } from "../protocol/poll.js";
/** The HTTP requests of one carrier, which all end with it. */
export class Requester {
    #hub;
    #over = new AbortController();
    constructor(hub) {
        this.#hub = hub;
    }
    /** Posts a body and waits for the whole answer; undefined when none came in time. Never throws. */
    async post(path, body, link, within) {
        const request = new AbortController();
        const abort = () => request.abort();
        const timer = setTimeout(abort, within);
        this.#over.signal.addEventListener("abort", abort);
        try {
            const response = await fetch(addressOf(this.#hub, path), { ...asked(body, link), signal: request.signal });
            const text = response.status === 204 ? "" : await response.text();
            return {
                status: response.status,
                body: text.length > 2 * LIMITS.parcelBytes ? undefined : read(text),
                retryMs: (Number(response.headers.get("Retry-After")) || 0) * 1000,
                ofHub: response.headers.has("X-Sightline"),
            };
        }
        catch {
            return undefined;
        }
        finally {
            clearTimeout(timer);
            this.#over.signal.removeEventListener("abort", abort);
        }
    }
    /** Posts a body that nobody waits for; kept alive, it goes out even if the page is going. */
    last(path, body, link, keepalive) {
        void fetch(addressOf(this.#hub, path), { ...asked(body, link), keepalive }).catch(() => undefined);
    }
    /** Waits, at most until abort. */
    pause(ms) {
        const { signal } = this.#over;
        return new Promise((resolve) => {
            if (signal.aborted)
                return resolve();
            const done = () => {
                clearTimeout(timer);
                signal.removeEventListener("abort", done);
                resolve();
            };
            const timer = setTimeout(done, ms);
            signal.addEventListener("abort", done);
        });
    }
    /** Gives up every request and every pause. */
    abort() {
        this.#over.abort();
    }
}
function asked(body, link) {
    const headers = { "Content-Type": "application/json" };
    if (link !== undefined)
        headers.Authorization = link;
    return { method: "POST", headers, body, cache: "no-store", credentials: "omit", redirect: "error" };
}
function read(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return undefined;
    }
}
//# sourceMappingURL=requester.js.map