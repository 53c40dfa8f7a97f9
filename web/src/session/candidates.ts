import type { PathPolicy } from "../protocol/state.ts";

/** One candidate, as its line tells it (RFC 8839 section 5.1). */
export interface CandidateLine {
  foundation: string;
  component: number;
  /** udp or tcp. */
  protocol: string;
  /** An IP address, or a name under .local that stands for one. */
  address: string;
  port: number;
  /** host, srflx, prflx or relay. */
  type: string;
  /** The base of a candidate that is seen from outside (RFC 8445 section 4); 0 where the browser hides it. */
  basePort: number;
}

/** Reads a candidate line, with or without `a=`; undefined for what is none, such as the sign that there are no more. */
export function readCandidate(line: string): CandidateLine | undefined {
  const words = line.replace(/^a=/, "").trim().split(/\s+/);
  const [head = "", component, protocol = "", , address = "", port, typ, type = ""] = words;
  const foundation = /^candidate:(.+)$/.exec(head)?.[1];
  if (!foundation || typ !== "typ" || !type) return undefined;
  const base = words.indexOf("rport");
  return {
    foundation,
    component: Number(component) || 0,
    protocol: protocol.toLowerCase(),
    address,
    port: Number(port) || 0,
    type,
    basePort: base > 0 ? Number(words[base + 1]) || 0 : 0,
  };
}

/** host:port as Go's netip.AddrPort writes it, so with IPv6 in brackets. */
export function placeOf(address: string, port: number): string {
  return address.includes(":") ? `${ipv6(address)}:${port}` : `${address}:${port}`;
}

/** Whether a candidate may be signaled and used under a policy. The empty one, which ends them, always may. */
export function permitted(line: string, path: PathPolicy): boolean {
  const candidate = readCandidate(line);
  if (!candidate || path === "prefer_direct") return true;
  return (candidate.type === "relay") === (path === "relay_only");
}

/** A description without the candidates that a policy forbids. */
export function withPermitted(sdp: string, path: PathPolicy): string {
  return sdp
    .split("\r\n")
    .filter((line) => !line.startsWith("a=candidate:") || permitted(line, path))
    .join("\r\n");
}

/** The usual form of an IPv6 address (RFC 5952), in brackets. */
function ipv6(address: string): string {
  const bare = address.replace(/^\[|\]$/g, "");
  try {
    return new URL(`http://[${bare}]`).hostname;
  } catch {
    return `[${bare}]`;
  }
}
