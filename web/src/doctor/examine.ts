import type { ICEServer } from "../protocol/handshake.ts";
import type { Findings } from "./findings.ts";
import { lookOutside, tryRelays } from "./gathering.ts";
import { trySignaling } from "./signaling.ts";

/** Where a hub tells its STUN servers to anybody. */
const path = "doctor/servers";

/**
 * Examines what this network lets through to a hub. It asks the hub and its own STUN servers, and its relays too with a
 * viewer's token; nobody else.
 */
export async function examine(hub: URL, token: string): Promise<Findings> {
  const [signaling, stun] = await Promise.all([trySignaling(hub, token), stunOf(hub)]);
  // They are other sockets of another kind, so they do not disturb each other.
  const [outside, relays] = await Promise.all([lookOutside(stun), tryRelays(signaling.servers)]);
  const { websocket, longPoll, fallback, leave } = signaling;
  leave();
  return { websocket, longPoll, fallback, ...outside, relays };
}

async function stunOf(hub: URL): Promise<ICEServer[]> {
  try {
    const answer = await fetch(new URL(path, hub), { cache: "no-store", credentials: "omit" });
    const { ice_servers }: { ice_servers?: unknown } = await answer.json();
    return Array.isArray(ice_servers) ? ice_servers.filter(isServer) : [];
  } catch {
    return [];
  }
}

function isServer(value: unknown): value is ICEServer {
  const urls = (value as Partial<ICEServer> | null)?.urls;
  return Array.isArray(urls) && urls.every((url) => typeof url === "string" && url.startsWith("stun:"));
}
