/**
 * Remembers something of networks, for a while. A page knows little of its network, so it should forget soon. Without
 * storage it remembers nothing, and nothing else changes.
 */
export class Networks {
    #options;
    constructor(options) {
        this.#options = options;
    }
    /** What is known of a network. */
    recall(network) {
        const entry = this.#entries().find((entry) => entry.network === network);
        if (!entry)
            return undefined;
        const { network: _, until: __, ...known } = entry;
        return known;
    }
    /** Notes something of a network; the oldest note makes room. */
    remember(network, known) {
        const { term, most } = this.#options;
        const entry = { network, until: Date.now() + term, ...known };
        this.#write([entry, ...this.#others(network)].slice(0, most));
    }
    /** Drops what is known of a network. */
    forget(network) {
        if (this.recall(network))
            this.#write(this.#others(network));
    }
    #others(network) {
        return this.#entries().filter((entry) => entry.network !== network);
    }
    #entries() {
        const now = Date.now();
        const { place, term, valid } = this.#options;
        try {
            const entries = JSON.parse(localStorage.getItem(place) ?? "[]");
            if (!Array.isArray(entries))
                return [];
            return entries.filter((entry) => {
                if (typeof entry?.network !== "string" || typeof entry.until !== "number")
                    return false;
                return entry.until > now && entry.until <= now + term && valid(entry);
            });
        }
        catch {
            return [];
        }
    }
    #write(entries) {
        const { place } = this.#options;
        try {
            if (entries.length > 0)
                localStorage.setItem(place, JSON.stringify(entries));
            else
                localStorage.removeItem(place);
        }
        catch {
            // No storage, or none left.
        }
    }
}
/** The hub, and all that a browser tells of the network: its kind, or not even that. */
export function networkOf(hub) {
    return `${hub.origin} ${networkType() ?? ""}`;
}
/** What kind of network the browser says it is on, where it says so. */
export function networkType() {
    return globalThis.navigator?.connection?.type;
}
//# sourceMappingURL=networks.js.map