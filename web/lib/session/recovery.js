/** How long ICE may stay disconnected before a restart: a Wi-Fi roam takes one to two seconds. */
const patience = 3000;
/** The same before media ever had a way: a device adds its relay late, as a last resort, and says so by itself. */
const firstPatience = 8000;
/** The waits between restarts, in milliseconds; after the last one the session is given up. */
const waits = [0, 1000, 2000, 4000];
/** How long a restart may take before it counts as failed, signaling apart: the checks, a relay as last resort. */
const restartWithin = 6000;
/** A change of networks comes in several events: no two restarts are closer for it (milliseconds). */
const movedEvery = 1000;
/** The most that is added for slow signaling: a first answer also waits for a camera's first picture. */
const slowest = 10_000;
/** Decides when to restart ICE, and when to stop trying. */
export class Recovery {
    #events;
    #tries = 0;
    #everConnected = false;
    /** Since when ICE is connected; undefined while it is not. */
    #since;
    /** How long the newest answer took from its offer. */
    #signaling = 0;
    #restartedAt = 0;
    #timer;
    #plan = "none";
    constructor(events) {
        this.#events = events;
    }
    /** Takes in what the peer connection says of its ICE. */
    state(state) {
        if (state === "connected" || state === "completed") {
            this.stop();
            this.#tries = 0;
            this.#everConnected = true;
            this.#since ??= Date.now();
            return;
        }
        this.#since = undefined;
        if (state === "disconnected" && this.#plan === "none") {
            this.#after("patience", this.#everConnected ? patience : firstPatience, () => this.#restart());
        }
        else if (state === "failed" && this.#plan !== "restart") {
            this.#failed();
        }
    }
    /**
     * Notes how long an answer took, also one that came too late to be used. The time for a restart counts from its answer,
     * after which candidates may still be as long on their way.
     */
    answered(took) {
        this.#signaling = Math.min(took, slowest);
        if (this.#plan === "watch")
            this.#watch();
    }
    /** The other end asks for a restart. It did so before it could know of a connection that is younger than the way here. */
    asked() {
        if (this.#since === undefined || Date.now() - this.#since >= this.#signaling)
            this.now();
    }
    /** Restarts at once, because the other end asked for it, the policy forbids the way, or the link is back. */
    now() {
        this.stop();
        this.#restart();
    }
    /** The viewer is on another network: its addresses are gone, and earlier failures say nothing. */
    moved() {
        this.stop();
        this.#tries = 0;
        const wait = Math.max(0, this.#restartedAt + movedEvery - Date.now());
        if (wait === 0)
            this.#restart();
        else
            this.#after("restart", wait, () => this.#restart());
    }
    /** Forgets what was planned. */
    stop() {
        clearTimeout(this.#timer);
        this.#plan = "none";
    }
    #failed() {
        this.stop();
        const wait = waits[this.#tries];
        if (wait === undefined)
            this.#events.failed();
        else
            this.#after("restart", wait, () => this.#restart());
    }
    #restart() {
        this.#plan = "none";
        if (!this.#events.restart())
            return;
        this.#tries++;
        this.#restartedAt = Date.now();
        this.#watch();
    }
    #watch() {
        this.#after("watch", restartWithin + this.#signaling, () => {
            // A restart beside a path that works need not change the state.
            if (this.#since === undefined)
                this.#failed();
            else
                this.stop();
        });
    }
    #after(plan, wait, then) {
        clearTimeout(this.#timer);
        this.#plan = plan;
        this.#timer = setTimeout(then, wait);
    }
}
//# sourceMappingURL=recovery.js.map