import { type Findings, type NAT, natOf, type Outcome, WAYS } from "./findings.ts";
import {
  ADVICE,
  fill,
  IPV6,
  NATS,
  RELAYS,
  ROWS,
  SIGNALING,
  UDP,
  type Verdict,
  WAY_WORDS,
  whyNoWebSocket,
} from "./words.ts";

/** How good a finding is, for whoever looks at pictures. */
export type Grade = "good" | "fair" | "bad" | "unknown";

/** One finding in words. */
export interface Row {
  name: string;
  grade: Grade;
  text: string;
}

/** What is to be said of a network. */
export interface Assessment {
  verdict: Verdict;
  grade: Grade;
  rows: Row[];
  /** What would help, the most important first; never empty. */
  advice: string[];
}

/** Puts findings into words, for the service at a host. */
export function assess(findings: Findings, host: string): Assessment {
  const verdict = verdictOf(findings);
  return {
    verdict,
    grade: gradeOf[verdict],
    rows: [signaling(findings), udp(findings), nat(findings), ipv6(findings), relay(findings)],
    advice: adviceFor(findings, verdict).map((text) => fill(text, { host })),
  };
}

const gradeOf: Readonly<Record<Verdict, Grade>> = {
  open: "good",
  usual: "good",
  likely: "good",
  hard: "fair",
  relay: "fair",
  nothing: "bad",
  unknown: "unknown",
};

function verdictOf({ websocket, longPoll, udp, ipv6, network, relays }: Findings): Verdict {
  if (websocket !== "works" && longPoll !== "works") return "nothing";
  if (udp === "fails") {
    const tried = WAYS.filter((way) => relays[way] !== "untried");
    return tried.length > 0 && tried.every((way) => relays[way] === "fails") ? "nothing" : "relay";
  }
  const byNAT: Record<NAT, Verdict> = {
    none: "open",
    steady: "usual",
    counting: "hard",
    changing: "hard",
    unknown: "unknown",
  };
  const verdict = byNAT[natOf(network)];
  if (verdict === "usual" && ipv6 === "works") return "open";
  return verdict === "unknown" && udp === "works" ? "likely" : verdict;
}

function signaling({ websocket, longPoll, fallback }: Findings): Row {
  const name = ROWS.signaling;
  if (websocket === "works") return { name, grade: "good", text: SIGNALING.both };
  if (longPoll === "works") return { name, grade: "fair", text: SIGNALING.poll + whyNoWebSocket(fallback) };
  return { name, grade: "bad", text: SIGNALING.nothing + whyNoWebSocket(fallback) };
}

function udp({ udp: outcome }: Findings): Row {
  return { name: ROWS.udp, grade: grades[outcome], text: UDP[outcome] };
}

function nat({ network, udp: outcome }: Findings): Row {
  const kind = outcome === "fails" ? "unknown" : natOf(network);
  const byKind: Record<NAT, Grade> = {
    none: "good",
    steady: "good",
    counting: "fair",
    changing: "bad",
    unknown: "unknown",
  };
  return { name: ROWS.nat, grade: byKind[kind], text: NATS[kind] };
}

function ipv6({ ipv6: outcome }: Findings): Row {
  return { name: ROWS.ipv6, grade: outcome === "fails" ? "fair" : grades[outcome], text: IPV6[outcome] };
}

function relay({ relays }: Findings): Row {
  const name = ROWS.relay;
  const of = (outcome: Outcome) =>
    list.format(WAYS.filter((way) => relays[way] === outcome).map((way) => WAY_WORDS[way]));
  const words = { ways: of("works"), others: of("fails") };
  if (!words.ways && !words.others) return { name, grade: "unknown", text: RELAYS.untried };
  if (!words.ways) return { name, grade: "bad", text: fill(RELAYS.fails, words) };
  if (!words.others) return { name, grade: "good", text: fill(RELAYS.works, words) };
  return { name, grade: "fair", text: fill(RELAYS.some, words) };
}

const list = new Intl.ListFormat("en");

const grades: Readonly<Record<Outcome, Grade>> = { works: "good", fails: "bad", untried: "unknown" };

function adviceFor({ websocket, longPoll, udp, ipv6, network }: Findings, verdict: Verdict): string[] {
  if (websocket !== "works" && longPoll !== "works") return [ADVICE.service];
  const advice: string[] = [];
  if (verdict === "nothing") advice.push(ADVICE.tls);
  if (udp === "fails") advice.push(ADVICE.udp);
  const hard = udp !== "fails" && ["counting", "changing"].includes(natOf(network));
  if (hard) advice.push(ADVICE.nat, ADVICE.camera);
  if (ipv6 === "fails" && udp !== "fails") advice.push(ADVICE.ipv6);
  if (websocket === "fails") advice.push(ADVICE.websocket);
  return advice.length > 0 ? advice : [ADVICE.nothing];
}
