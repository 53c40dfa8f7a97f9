import type { Findings } from "./findings.ts";
import type { Assessment } from "./verdict.ts";
import { PAGE, VERDICTS } from "./words.ts";

/** The report as text, for whoever is asked for help: what the page says, and what it saw. It holds no address. */
export function reportOf(assessment: Assessment, findings: Findings, host: string, at: Date): string {
  const { verdict, rows, advice } = assessment;
  const { network, relays, ...rest } = findings;
  return [
    `${PAGE.title}: ${host}, ${at.toISOString()}`,
    navigator.userAgent,
    "",
    VERDICTS[verdict],
    ...rows.map(({ name, text }) => `- ${name}: ${text}`),
    "",
    PAGE.help,
    ...advice.map((text) => `- ${text}`),
    "",
    JSON.stringify({ ...rest, network, relays }),
    "",
  ].join("\n");
}
