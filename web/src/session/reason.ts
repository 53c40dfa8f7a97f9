import type { Network } from "../protocol/network.ts";
import type { PathPolicy } from "../protocol/state.ts";

/** Why the media goes through a relay, as far as a viewer can tell. The hub knows both ends and may say more. */
export const RELAY_REASONS = [
  "asked",
  "policy",
  "device_udp_blocked",
  "viewer_udp_blocked",
  "viewer_symmetric",
  "not_yet",
  "networks_unknown",
] as const;

/** See {@link RELAY_REASONS}. */
export type RelayReason = (typeof RELAY_REASONS)[number];

/** The device goes on with its checks at a high rate for so long (milliseconds). */
const searchLasts = 10_000;

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
export function relayReason({ asked, policy, network, remote, since }: RelayFacts): RelayReason {
  if (asked) return "asked";
  if (policy === "relay_only") return "policy";
  if (network.udp_blocked) return "viewer_udp_blocked";
  if (remote.size === 1 && remote.has("relay")) return "device_udp_blocked";
  if (since < searchLasts) return "not_yet";
  if (network.mapping && network.mapping !== "endpoint_independent") return "viewer_symmetric";
  return "networks_unknown";
}
