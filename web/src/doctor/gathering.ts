import type { ICEServer } from "../protocol/handshake.ts";
import type { Network } from "../protocol/network.ts";
import { readCandidate } from "../session/candidates.ts";
import { Scout } from "../session/scout.ts";
import { isRelay, stunPlaces } from "../session/servers.ts";
import type { Outcome, Way } from "./findings.ts";

/** How long servers may take (milliseconds): one that is there answers in a second, and a first packet may be lost. */
const within = 6000;

/** What a browser found that asked STUN servers. */
export interface Outside {
  udp: Outcome;
  ipv6: Outcome;
  network: Network;
}

/** Asks STUN servers what they see of this browser, from one socket. */
export async function lookOutside(servers: ICEServer[]): Promise<Outside> {
  const stun = servers.map(({ urls }) => ({ urls: urls.filter((url) => !isRelay(url)) }));
  const places = stunPlaces(stun);
  if (places.length === 0) return { udp: "untried", ipv6: "untried", network: {} };
  const scout = new Scout(() => undefined);
  scout.begin(stun);
  const seen: string[] = [];
  const end = await gather(
    { iceServers: stun },
    {
      found: (candidate) => {
        scout.found(candidate);
        const { type, address } = readCandidate(candidate.candidate) ?? {};
        if (type === "srflx" && address) seen.push(address);
        return false;
      },
      missed: () => scout.missed(),
    },
  );
  if (end === "late") scout.missed();
  scout.end();
  const { network } = scout;
  const asked6 = places.some(({ host }) => host.includes(":"));
  return {
    udp: network.udp_blocked ? "fails" : seen.length > 0 || network.public ? "works" : "untried",
    ipv6: seen.some((address) => address.includes(":")) ? "works" : asked6 && seen.length > 0 ? "fails" : "untried",
    network,
  };
}

/** Asks for a relay in each way that the servers offer. */
export async function tryRelays(servers: ICEServer[]): Promise<Record<Way, Outcome>> {
  const [udp, tcp, tls] = await Promise.all([
    tryRelay(servers, "udp"),
    tryRelay(servers, "tcp"),
    tryRelay(servers, "tls"),
  ]);
  return { udp, tcp, tls };
}

async function tryRelay(servers: ICEServer[], way: Way): Promise<Outcome> {
  const some = servers
    .map((server) => ({ ...server, urls: server.urls.filter((url) => isRelay(url) && wayOf(url) === way) }))
    .filter(({ urls }) => urls.length > 0);
  if (some.length === 0) return "untried";
  const end = await gather(
    { iceServers: some, iceTransportPolicy: "relay" },
    {
      found: ({ candidate }) => readCandidate(candidate)?.type === "relay",
      missed: () => undefined,
    },
  );
  return end === "found" ? "works" : "fails";
}

function wayOf(url: string): Way {
  if (/^turns:/i.test(url)) return "tls";
  return /\?transport=tcp/i.test(url) ? "tcp" : "udp";
}

/** What is told of a gathering. */
interface Watcher {
  /** Says whether a candidate is all that was wanted. */
  found(candidate: RTCIceCandidate): boolean;
  /** A server did not answer. */
  missed(): void;
}

/** Gathers until a candidate is all that was wanted, there are no more, or the time is over. */
async function gather(config: RTCConfiguration, { found, missed }: Watcher): Promise<"found" | "complete" | "late"> {
  const peer = new RTCPeerConnection(config);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise((done, failed) => {
      timer = setTimeout(() => done("late"), within);
      peer.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate && found(candidate)) done("found");
      };
      peer.onicecandidateerror = missed;
      peer.onicegatheringstatechange = () => {
        if (peer.iceGatheringState === "complete") done("complete");
      };
      peer.createDataChannel("doctor");
      peer
        .createOffer()
        .then((offer) => peer.setLocalDescription(offer))
        .catch(failed);
    });
  } finally {
    clearTimeout(timer);
    peer.close();
  }
}
