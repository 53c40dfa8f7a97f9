import { FALLBACK_REASONS } from "../protocol/fallback.js";
import { Networks, networkOf } from "./networks.js";
/** For how long a network without WebSockets is remembered (milliseconds), and how many are. */
const usualTerm = 15 * 60_000;
const most = 16;
/** Remembers on which networks no WebSocket gets to a hub, for a while. */
export class Memory {
    #hub;
    #networks;
    /** term is for how many milliseconds a network is remembered. */
    constructor(hub, term = usualTerm) {
        this.#hub = hub;
        this.#networks = new Networks({ place: "sightline:networks", term, most, valid });
    }
    /** Why there was no WebSocket on this network. */
    recall() {
        return this.#networks.recall(networkOf(this.#hub));
    }
    /** Notes that there is no WebSocket on this network. */
    remember(fallback) {
        this.#networks.remember(networkOf(this.#hub), fallback);
    }
    /** Notes that there is one. */
    forget() {
        this.#networks.forget(networkOf(this.#hub));
    }
}
function valid({ reason, detail }) {
    return FALLBACK_REASONS.some((known) => known === reason) && (detail === undefined || typeof detail === "string");
}
//# sourceMappingURL=memory.js.map