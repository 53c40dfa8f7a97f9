import type { Network } from "../protocol/network.ts";
import type { PathPolicy } from "../protocol/state.ts";
/** Why the media goes through a relay, as far as a viewer can tell. The hub knows both ends and may say more. */
export declare const RELAY_REASONS: readonly ["asked", "policy", "device_udp_blocked", "viewer_udp_blocked", "viewer_symmetric", "not_yet", "networks_unknown"];
/** See {@link RELAY_REASONS}. */
export type RelayReason = (typeof RELAY_REASONS)[number];
/** What a viewer judges by. */
export interface RelayFacts {
    /** Whether this page asked for relays only. */
    asked: boolean;
    policy: PathPolicy | undefined;
    network: Network;
    /** The types of the device's candidates; empty while there are none. */
    remote: ReadonlySet<string>;
    /** For how long the path is a relay's, in milliseconds. */
    since: number;
}
/** Says why a path is a relay's. */
export declare function relayReason({ asked, policy, network, remote, since }: RelayFacts): RelayReason;
