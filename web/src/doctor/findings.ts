import type { Fallback } from "../protocol/fallback.ts";
import type { Network } from "../protocol/network.ts";

/** How something went: it works, it does not, or it could not be tried. */
export type Outcome = "works" | "fails" | "untried";

/** The ways to a relay. */
export const WAYS = ["udp", "tcp", "tls"] as const;

/** See {@link WAYS}. */
export type Way = (typeof WAYS)[number];

/** What an examination of a network found. */
export interface Findings {
  /** Signaling by both doors, and what is known of why there is no WebSocket. */
  websocket: Outcome;
  longPoll: Outcome;
  fallback: Fallback | undefined;
  /** Whether servers answered over UDP. */
  udp: Outcome;
  /** Whether a server was asked and answered over IPv6. */
  ipv6: Outcome;
  /** What is known of the NAT. */
  network: Network;
  /** Each way to a relay that the service offers; untried without a camera's link. */
  relays: Readonly<Record<Way, Outcome>>;
}

/** What a network's router does with the ports of those behind it. */
export type NAT = "none" | "steady" | "counting" | "changing" | "unknown";

/** Names what is known of a network's NAT. */
export function natOf({ public: isPublic, mapping, port_step }: Network): NAT {
  if (mapping === "endpoint_independent") return isPublic ? "none" : "steady";
  if (mapping) return port_step ? "counting" : "changing";
  return isPublic ? "none" : "unknown";
}
