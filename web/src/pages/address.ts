import { isDevice } from "@sightline/viewer/protocol";

/** What the address of a watch page asks for. */
export interface Address {
  device: string;
  /** Empty when the fragment brings none. */
  token: string;
  relayOnly: boolean;
}

/** Reads `/watch/<device>?ice=relay#token=…`; undefined for the address of anything else. */
export function readAddress(url: URL): Address | undefined {
  const device = /\/watch\/([^/]+)\/?$/.exec(url.pathname)?.[1] ?? "";
  if (!isDevice(device)) return undefined;
  return {
    device,
    token: new URLSearchParams(url.hash.slice(1)).get("token") ?? "",
    relayOnly: url.searchParams.get("ice") === "relay",
  };
}
