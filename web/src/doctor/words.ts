import { LABELS, whyLongPoll } from "../element/words.ts";
import type { Fallback } from "../protocol/fallback.ts";
import type { NAT, Outcome, Way } from "./findings.ts";

/** What the page says around its findings. Translate this file, and the player's words, to translate the page. */
export const PAGE = {
  title: "What this network allows",
  intro: "How live pictures get to this browser. Nobody is asked but this service.",
  busy: "Looking at your network. This takes a few seconds.",
  again: "Check again",
  copy: "Copy the report",
  copied: "Copied",
  report: "The report as text",
  help: "What would help",
  unsupported: "This browser cannot show live video, so there is nothing to examine. Please use a current browser.",
  failed: "The examination broke off. Please try again.",
} as const;

/** What a screen reader says of each grade, before the finding. */
export const GRADES = { good: "Good", fair: "Could be better", bad: "Bad", unknown: "Not known" } as const;

/** The one sentence that sums everything up. */
export const VERDICTS = {
  open: "Pictures come straight from nearly every camera",
  usual: "Pictures come straight from most cameras",
  likely: "Pictures can come straight from cameras",
  hard: "Some cameras need the relay from here",
  relay: "Pictures come through the relay only",
  nothing: "This network does not reach the service",
  unknown: "Pictures will come, but it is not known by which way",
} as const;

/** See {@link VERDICTS}. */
export type Verdict = keyof typeof VERDICTS;

/** What each row is called. */
export const ROWS = {
  signaling: "Signaling",
  udp: "UDP",
  nat: "Router",
  ipv6: "IPv6",
  relay: "Relay",
} as const;

/** By which doors the service is reached. */
export const SIGNALING = {
  both: "WebSockets get through.",
  poll: "WebSockets do not get through; plain requests do, and are used instead.",
  nothing: "Neither WebSockets nor plain requests get to the service.",
} as const;

/** Whether UDP gets out, on which direct pictures depend. */
export const UDP: Readonly<Record<Outcome, string>> = {
  works: "UDP gets out, and answers come back.",
  fails: "No answer came back over UDP, which direct pictures need.",
  untried: "It could not be told whether UDP gets out.",
};

/** What the router does with ports. */
export const NATS: Readonly<Record<NAT, string>> = {
  none: "This computer has a public address of its own.",
  steady: "The router keeps one port for everybody, so that cameras can find this browser.",
  counting: "The router takes the next port for each camera. It can be guessed, mostly.",
  changing:
    "The router takes any other port for each camera (symmetric NAT), so that a camera cannot find this browser.",
  unknown: "It could not be told how the router chooses ports.",
};

/** Whether there is IPv6. */
export const IPV6: Readonly<Record<Outcome, string>> = {
  works: "This network has IPv6: a camera that has it too needs no relay.",
  fails: "This network has no IPv6.",
  untried: "It could not be told whether this network has IPv6.",
};

/** What the ways to the relay are called. */
export const WAY_WORDS: Readonly<Record<Way, string>> = { udp: "UDP", tcp: "TCP", tls: "TLS" };

/** Whether the relay is reached. */
export const RELAYS = {
  works: "The relay is reached over {ways}.",
  some: "The relay is reached over {ways}, but not over {others}.",
  fails: "The relay is not reached over {others}.",
  untried: "To try the relay, open this page with a camera's link: put /doctor in the place of /watch/….",
} as const;

/** What would help. */
export const ADVICE = {
  service: "Let this computer reach {host} over HTTPS. A sign-in page of the network may have to be passed first.",
  websocket:
    "Let WebSockets to {host} through, in the proxy or firewall. Pictures work without, but start a little later.",
  udp: "Let UDP out, in the firewall: to {host} at least, and for direct pictures to any address.",
  nat: "In the router, choose another kind of NAT where there is a choice: “full cone”, “open” or “endpoint-independent”, not “strict” or “symmetric”. A mobile network or a VPN may leave none.",
  camera: "A camera whose router has UPnP switched on, or which has IPv6, is reached directly all the same.",
  ipv6: "Switch IPv6 on in the router, if the provider has it: where both ends have it, NAT is in nobody's way.",
  tls: "Let TCP out to the relay's ports. Without UDP it is the only way for pictures.",
  nothing:
    "Nothing: this network is as good as it gets. If pictures come through the relay, look at the camera's network, with “sightline-agent check” on the camera.",
} as const;

/** Why there is no WebSocket, after the sentence that says so; empty where nothing is known. */
export function whyNoWebSocket(fallback: Fallback | undefined): string {
  return fallback && fallback.reason !== "unknown" ? ` ${whyLongPoll(fallback, LABELS.thisNetwork)}` : "";
}

/** Puts words in the place of names in braces. */
export function fill(text: string, words: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole);
}
