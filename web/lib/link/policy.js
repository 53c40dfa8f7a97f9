import { TIMES } from "../protocol/limits.js";
import { inquire } from "./inquiry.js";
import { Memory } from "./memory.js";
const minute = 60_000;
/** What a link does unless told otherwise. */
export const FALLBACK_TIMES = {
    hello: TIMES.hello,
    failures: 2,
    cuts: 3,
    cutWithin: 30_000,
    probes: [minute, 5 * minute, 15 * minute],
    remember: 15 * minute,
};
/** Decides by which door a link comes, from what became of its carriers. */
export class FallbackPolicy {
    #hub;
    #times;
    #memory;
    /** Whether there is a choice. */
    #both;
    #door;
    /** Why it is not the WebSocket. */
    #why;
    #failures = 0;
    #cuts = 0;
    #probes = 0;
    /** What an inquiry found; it is asked once for a row of failures. */
    #found;
    #finding;
    /** Whether the WebSocket may have failed with the network or the hub, so that it is looked for at once. */
    #doubtful = false;
    /** Whether a WebSocket has lived on this network. */
    #proven = false;
    constructor(hub, doors, times) {
        this.#hub = hub;
        this.#times = times;
        this.#memory = new Memory(hub, times.remember);
        this.#both = doors.length > 1;
        this.#door = doors.includes("websocket") ? "websocket" : "long_poll";
        this.#recall();
    }
    /** The door to come by next. */
    get door() {
        return this.#door;
    }
    /** Why that is not the WebSocket. */
    get fallback() {
        return this.#door === "websocket" ? undefined : this.#why;
    }
    /** How many milliseconds after a welcome by the long poll the WebSocket is tried beside it; undefined is never. */
    get probeAfter() {
        if (!this.#both)
            return undefined;
        const { probes } = this.#times;
        return this.#doubtful ? 0 : probes[Math.min(this.#probes, probes.length - 1)];
    }
    /**
     * A carrier brought no welcome; opened is whether it came as far as to say hello. Returns whether to come by another
     * door at once.
     */
    failed(door, opened) {
        if (!this.#both)
            return false;
        if (door === "long_poll") {
            this.#doubtful = true;
            this.#turn();
            return false;
        }
        this.#failures++;
        if (this.#failures < this.#times.failures) {
            if (!opened)
                this.#inquire();
            return false;
        }
        // Where one has lived, it is more likely that the hub was away.
        this.#doubtful ||= this.#proven;
        this.#fallBack(opened ? silent : (this.#finding ?? { reason: "unknown" }));
        return true;
    }
    /** The hub itself refused a carrier for now: it may have refused the WebSockets before it for the same reason. */
    refused(door) {
        if (this.#both && door === "long_poll")
            this.#turn();
    }
    /** The hub said welcome to a link's carrier. */
    welcome(door) {
        if (!this.#both)
            return;
        this.#failures = 0;
        this.#door = door;
        this.#found = undefined;
        this.#finding = undefined;
        if (door === "long_poll") {
            this.#remember();
            return;
        }
        this.#doubtful = false;
        // One that is cut again goes straight back.
        if (this.#cuts < this.#times.cuts)
            this.#memory.forget();
    }
    /**
     * A carrier was lost so long after its welcome; byHub is whether the hub itself closed it. Returns whether to come by
     * another door at once.
     */
    lost(door, lived, byHub) {
        if (!this.#both || door === "long_poll")
            return false;
        if (lived >= this.#times.cutWithin) {
            this.#cuts = 0;
            this.#probes = 0;
            this.#proven = true;
            this.#memory.forget();
        }
        if (lived >= this.#times.cutWithin || byHub)
            return false;
        this.#cuts++;
        if (this.#cuts < this.#times.cuts)
            return false;
        this.#fallBack({
            reason: "cut",
            detail: `${this.#cuts} in a row lived less than ${this.#times.cutWithin / 1000} s`,
        });
        return true;
    }
    /** A WebSocket beside the long poll brought no welcome, so it is blocked for certain. */
    probeFailed() {
        this.#probes++;
        this.#doubtful = false;
        this.#remember();
    }
    /** A WebSocket beside the long poll was welcome; should it be cut again, the next one waits longer. */
    probeWelcome() {
        this.#probes++;
    }
    /** Another network: what was seen on the last one says nothing of it. */
    moved(live) {
        this.#failures = 0;
        this.#cuts = 0;
        this.#probes = 0;
        this.#proven = false;
        if (!this.#both || (live && this.#door === "long_poll"))
            return;
        this.#door = "websocket";
        this.#recall();
    }
    #recall() {
        const known = this.#both && this.#times.remember > 0 ? this.#memory.recall() : undefined;
        if (known)
            this.#fallBack(known);
    }
    #remember() {
        if (this.#why && !this.#doubtful && this.#times.remember > 0)
            this.#memory.remember(this.#why);
    }
    #fallBack(why) {
        this.#door = "long_poll";
        this.#why = why;
    }
    /** One WebSocket, then the long poll again. */
    #turn() {
        this.#door = "websocket";
        this.#failures = this.#times.failures - 1;
    }
    #inquire() {
        this.#found ??= inquire(this.#hub).then((finding) => {
            this.#finding = finding;
        });
    }
}
const silent = { reason: "silent" };
//# sourceMappingURL=policy.js.map