import { LIMITS } from "../protocol/limits.js";
import { placeOf } from "./candidates.js";
/** Places of two generations: an ICE restart may leave the pair in use as it is. */
const most = 2 * LIMITS.syncCandidates;
/** How a device came by its candidates, by their places. Ordinary ones are not in it. */
export class Origins {
    #means = new Map();
    /** Notes the means of a place, given as host:port; the oldest note makes room. */
    learn(place, means) {
        this.#means.delete(place);
        this.#means.set(place, means);
        for (const oldest of this.#means.keys()) {
            if (this.#means.size <= most)
                break;
            this.#means.delete(oldest);
        }
    }
    /**
     * The means of a candidate; undefined for an ordinary one. Browsers hide the address of a candidate that they learned
     * from a check, but not its port: that is enough where all places with the port have the same means.
     */
    meansOf(address, port) {
        if (address)
            return this.#means.get(placeOf(address, port));
        const means = new Set([...this.#means].filter(([place]) => place.endsWith(`:${port}`)).map(([, means]) => means));
        return means.size === 1 ? [...means][0] : undefined;
    }
}
//# sourceMappingURL=origins.js.map