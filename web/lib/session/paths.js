import { relayReason } from "./reason.js";
import { RelayTime } from "./relaytime.js";
import { Scout } from "./scout.js";
/** What a session knows of its paths: which it takes, since when, why it is a relay's and for how long it may be. */
export class Paths {
    scout;
    #options;
    #relayTime;
    #policy;
    #path;
    #since = 0;
    #firstMs = 0;
    #directMs;
    constructor(options) {
        this.#options = options;
        this.scout = new Scout((network) => options.network(network));
        this.#relayTime = new RelayTime(() => options.spent());
    }
    /** What is known of the path now; undefined before there is one. */
    get details() {
        const path = this.#path;
        if (!path)
            return undefined;
        return {
            means: path.means,
            firstMs: this.#firstMs,
            directMs: this.#directMs,
            why: path.kind === "relay" ? this.#why : undefined,
        };
    }
    /** Whether a session that ends now for its quota does so because of its time on the relay path. */
    get timeIsUp() {
        return this.#relayTime.up;
    }
    /** Takes a path that is not the one before. */
    take(path) {
        const { kind, after_ms: after = 0 } = path;
        if (!this.#path)
            this.#firstMs = after;
        if (kind !== this.#path?.kind) {
            this.#since = Date.now();
            if (kind === "direct")
                this.#directMs = after;
            this.#relayTime.path(kind);
        }
        this.#path = path;
        this.scout.path(path);
    }
    /** Follows a policy. */
    follow({ path, max_relay_s }) {
        this.#policy = path;
        this.#relayTime.allow(max_relay_s);
    }
    /** Counts no more. */
    stop() {
        this.#relayTime.stop();
        this.scout.stop();
    }
    get #why() {
        return relayReason({
            asked: this.#options.relayOnly,
            policy: this.#policy,
            network: this.scout.network,
            remote: this.#options.remoteTypes,
            since: Date.now() - this.#since,
        });
    }
}
//# sourceMappingURL=paths.js.map