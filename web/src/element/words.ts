import type { RenditionName, SourceState } from "../protocol/control.ts";
import type { Fallback, FallbackReason } from "../protocol/fallback.ts";
import type { RelayReason } from "../session/reason.ts";
import type { TalkHint } from "../viewer/talking.ts";
import type { State, View, Why } from "../viewer/view.ts";

/** What a person reads about one situation. */
export interface Words {
  title: string;
  detail: string;
}

/** What to say of a state that has no reason. */
export const STATE_WORDS: Readonly<Record<State, Words>> = {
  idle: { title: "No camera chosen", detail: "Open the link you were given to see a picture here." },
  connecting: { title: "Connecting", detail: "Finding the shortest way to the camera." },
  live: { title: "Live", detail: "" },
  waiting: { title: "Waiting for the camera", detail: "The picture comes back by itself." },
  closed: { title: "Viewing has ended", detail: "" },
};

/** What to say of each end reason, each error code and each hint. Translate this table to translate the player. */
export const WHY_WORDS: Readonly<Record<Why, Words>> = {
  link_lost: { title: "No connection", detail: "The service cannot be reached. Trying again by itself." },
  stalled: { title: "No picture right now", detail: "The camera is connected but sends nothing at the moment." },
  unsupported: { title: "This browser cannot show live video", detail: "Please use a current browser." },

  viewer_left: { title: "Viewing has ended", detail: "You left this camera." },
  device_left: { title: "The camera hung up", detail: "Connecting again." },
  device_offline: { title: "Camera offline", detail: "The picture comes back when the camera does." },
  ice_failed: { title: "No way to the camera", detail: "The networks in between let nothing through. Trying again." },
  timeout: { title: "The camera did not answer", detail: "Trying again." },
  closed_by_api: { title: "Viewing was ended", detail: "Whoever manages this camera ended it." },
  revoked: { title: "Access was withdrawn", detail: "Ask whoever gave you this link for a new one." },
  expired: { title: "This link has expired", detail: "Ask whoever gave you this link for a new one." },
  quota: { title: "The plan is used up", detail: "Whoever manages this camera can raise its limit." },
  busy: { title: "Camera full", detail: "As many people are watching as the camera can serve. Trying again." },
  codec: { title: "This browser cannot play the camera", detail: "They have no video format in common." },
  privacy: { title: "The camera's privacy mode is on", detail: "The picture comes back when it is switched off." },
  superseded: { title: "The camera restarted", detail: "Connecting again." },
  unknown: { title: "The connection was reset", detail: "Connecting again." },
  internal: { title: "Something went wrong", detail: "It is not your fault. Trying again." },

  full: { title: "Camera full", detail: "As many people are watching as the camera can serve. Trying again." },
  offline: { title: "Camera offline", detail: "The picture comes back when the camera does." },
  forbidden: { title: "Not allowed", detail: "This link does not open this camera." },
  not_found: { title: "No such camera", detail: "It may have been removed. Check the link." },
  bad_token: { title: "Not allowed", detail: "This link is not valid. Check that it was copied whole." },
  clock_skew: { title: "The clock is wrong", detail: "Check the date and time of this computer." },
  version: { title: "This page is out of date", detail: "Reload it to go on." },
  rate_limited: { title: "Too many tries", detail: "Trying again in a moment." },
  conflict: { title: "The connection was reset", detail: "Connecting again." },
  going_away: { title: "The service restarts", detail: "Connecting again in a moment." },
  unknown_link: { title: "The connection was reset", detail: "Connecting again." },
  too_slow: { title: "The network is too slow", detail: "Connecting again." },
  too_large: { title: "Something went wrong", detail: "A message was too large to send." },
  sequence: { title: "The connection was reset", detail: "Connecting again." },
  bad_message: { title: "Something went wrong", detail: "The service and this page misunderstood each other." },
  unknown_type: { title: "Something went wrong", detail: "The service and this page misunderstood each other." },
  invalid: { title: "This link is not complete", detail: "Check that it was copied whole." },
  // The REST API's, which no page meets.
  precondition_failed: { title: "Something went wrong", detail: "Reload this page." },
  precondition_required: { title: "Something went wrong", detail: "Reload this page." },
  idempotency_mismatch: { title: "Something went wrong", detail: "Reload this page." },
  answer_lost: { title: "Something went wrong", detail: "Reload this page." },
};

/** Why there is no WebSocket. Only the first is known to most browsers. */
export const FALLBACK_WORDS: Readonly<Record<FallbackReason, string>> = {
  unknown: "WebSockets do not get through {network}.",
  silent: "WebSockets open in {network}, but nothing comes through.",
  cut: "WebSockets are cut again and again in {network}.",
  status: "Something in {network} answers WebSockets in place of the service.",
  captive_portal: "A sign-in page of {network} is in the way of WebSockets.",
  intercepted: "Something in {network} opens encrypted connections.",
  unreachable: "WebSockets cannot connect in {network}.",
  refused: "The service refused the WebSocket.",
};

/** Says why there is no WebSocket, in whose network, with the detail if there is one. */
export function whyLongPoll({ reason, detail }: Fallback, network: string): string {
  const words = FALLBACK_WORDS[reason].replace("{network}", network);
  return detail ? `${words} (${detail})` : words;
}

/** What made a path, where that is more than the usual. */
export const MEANS_WORDS: Readonly<Record<string, string>> = {
  predicted: "predicted port",
  mapped: "mapped port",
  ipv6: "IPv6",
  tcp: "TCP",
};

/** Why the picture comes through a relay. */
export const RELAY_WORDS: Readonly<Record<RelayReason, string>> = {
  asked: "This page asked for the relay.",
  policy: "Whoever manages this camera allows the relay only.",
  device_udp_blocked: "The camera's network lets no UDP through, which a direct picture needs.",
  viewer_udp_blocked: "This network lets no UDP through, which a direct picture needs.",
  viewer_symmetric: "The router here uses another port for everyone it talks to, so the camera cannot find this page.",
  not_yet: "A direct path is still being looked for.",
  networks_unknown: "The two networks let no direct path through.",
};

/** Shown once a session was on the relay for as long as it may. */
export const RELAY_TIME_WORDS: Words = {
  title: "The time on the relay is used up",
  detail: "There was no direct path to the camera, and the relay may be used for a while only.",
};

/** Shown over a picture that goes on although the link is gone. */
export const PICTURE_CONTINUES = "Link lost — picture continues";

/** Why a person who wanted to be heard is not. */
export const TALK_WORDS: Readonly<Record<TalkHint, string>> = {
  insecure: "Browsers open the microphone on HTTPS pages only",
  denied: "The browser may not use the microphone. Allow it in the page's settings",
  no_microphone: "No microphone was found",
  busy: "Somebody else is talking",
  failed: "The camera cannot be talked to right now",
  again: "The microphone is ready: hold the button to talk",
};

/** What the renditions of a camera are called. */
export const RENDITION_WORDS: Readonly<Record<RenditionName, string>> = { main: "HD", sub: "SD" };

/** What to say while the camera itself sends nothing to what this page is connected to. */
export const SOURCE_WORDS: Readonly<Record<Exclude<SourceState, "up">, string>> = {
  dialing: "Reaching the camera",
  down: "Camera offline",
};

/** Says that a source is not up, and in how many seconds it is tried again. */
export function sourceWords(source: Exclude<SourceState, "up">, retryAt: Date | undefined, now = new Date()): string {
  const words = SOURCE_WORDS[source];
  return source === "down" && retryAt ? `${words}. ${retrying(retryAt, now)}` : words;
}

function retrying(at: Date, now: Date): string {
  const seconds = Math.ceil((at.getTime() - now.getTime()) / 1000);
  return seconds > 0 ? `Retrying in ${seconds} s` : "Retrying now";
}

/** Shown when there was nothing to keep. */
export const NO_STILL = "There is no picture to save right now";

/** Everything else that the player says. */
export const LABELS = {
  camera: "Camera",
  direct: "Direct",
  relay: "Relay",
  directTitle: "The picture comes straight from the camera",
  relayTitle: "The picture comes through a relay",
  fullscreen: "Full screen",
  leaveFullscreen: "Leave full screen",
  soundOn: "Turn sound on",
  soundOff: "Turn sound off",
  stats: "Picture details",
  again: "Try again",
  talk: "Hold to talk",
  talking: "You are heard. Let go to stop",
  othersTalk: "Somebody else is talking",
  snapshot: "Save a picture",
  quality: "Quality",
  auto: "Auto",
  moveCamera: "Move the camera",
  up: "Up",
  down: "Down",
  left: "Left",
  right: "Right",
  closer: "Zoom in",
  wider: "Zoom out",
  home: "Home position",
  saved: "Picture saved",
  lastSeen: "last seen",
  codec: "Codec",
  resolution: "Resolution",
  fps: "Frame rate",
  bitrate: "Bitrate",
  rtt: "Round trip",
  loss: "Packet loss",
  retransmitted: "Sent again",
  freezes: "Freezes",
  path: "Path",
  firstPath: "First path",
  directPath: "Direct path",
  signaling: "Signaling",
  websocket: "WebSocket",
  long_poll: "Long poll",
  thisNetwork: "this network",
  cameraNetwork: "the camera's network",
  cameraLongPoll: "The camera is on long poll too.",
} as const;

/** What of a view its words depend on. */
export type Situation = Pick<View, "state" | "reason"> &
  Partial<Pick<View, "lastSeen" | "relayTime" | "camera" | "retryAt">>;

/** The words for a state and its reason. */
export function plainWords({ state, reason, relayTime, camera }: Situation): Words {
  if (reason === "quota" && relayTime) return RELAY_TIME_WORDS;
  if (camera?.source === "down" && (state === "connecting" || reason === "stalled")) return WHY_WORDS.offline;
  return reason && state !== "live" ? WHY_WORDS[reason] : STATE_WORDS[state];
}

/** The words for a state and its reason; a camera that is away says since when. */
export function wordsFor(situation: Situation, now: Date = new Date()): Words {
  const words = plainWords(situation);
  const { reason, lastSeen, retryAt } = situation;
  if (words === WHY_WORDS.offline && retryAt) return { ...words, detail: `${retrying(retryAt, now)}.` };
  if (!lastSeen || (reason !== "offline" && reason !== "device_offline")) return words;
  return { ...words, title: `${words.title} (${LABELS.lastSeen} ${ago(lastSeen, now)})` };
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

function ago(then: Date, now: Date): string {
  const seconds = Math.max(0, (now.getTime() - then.getTime()) / 1000);
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, length] of steps) {
    if (seconds >= length) return format.format(-Math.round(seconds / length), unit);
  }
  return format.format(-Math.round(seconds), "second");
}
