import type { Network } from "../protocol/network.ts";
import type { Path } from "../protocol/session.ts";
import type { Policy } from "../protocol/state.ts";
import { type RelayReason } from "./reason.ts";
import { Scout } from "./scout.ts";
/** What a person may want to know of the path. Times are milliseconds since the session was asked for. */
export interface PathDetails {
    /** What made it: ice, predicted, mapped, ipv6, tcp or relay. */
    means: string;
    /** When there was a path at all, and when the newest direct one began; undefined if there was none. */
    firstMs: number;
    directMs: number | undefined;
    /** Why it is a relay's; undefined for a direct one. */
    why: RelayReason | undefined;
}
/** What paths are watched with. */
export interface PathsOptions {
    /** Whether this page asked for relays only. */
    relayOnly: boolean;
    /** The types of the device's candidates. */
    remoteTypes: ReadonlySet<string>;
    /** More is known of the viewer's network. */
    network(network: Network): void;
    /** The time that the policy gives the relay path is used up. */
    spent(): void;
}
/** What a session knows of its paths: which it takes, since when, why it is a relay's and for how long it may be. */
export declare class Paths {
    #private;
    readonly scout: Scout;
    constructor(options: PathsOptions);
    /** What is known of the path now; undefined before there is one. */
    get details(): PathDetails | undefined;
    /** Whether a session that ends now for its quota does so because of its time on the relay path. */
    get timeIsUp(): boolean;
    /** Takes a path that is not the one before. */
    take(path: Path): void;
    /** Follows a policy. */
    follow({ path, max_relay_s }: Policy): void;
    /** Counts no more. */
    stop(): void;
}
