import { html, nothing, render, type TemplateResult } from "lit";
import { examine } from "../doctor/examine.ts";
import { reportOf } from "../doctor/report.ts";
import { type Assessment, assess, type Grade } from "../doctor/verdict.ts";
import { GRADES, PAGE, VERDICTS } from "../doctor/words.ts";

/** What the page shows: the work under way, what came of it, or why nothing did. */
type Shown = "busy" | { trouble: string } | { assessment: Assessment; report: string };

const marks: Readonly<Record<Grade, string>> = { good: "✓", fair: "!", bad: "✕", unknown: "?" };

/** A viewer's token, for the relays; it leaves the address bar and is kept for as long as the page. */
const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
const hub = new URL(location.origin);
let copied = false;

async function run(): Promise<void> {
  copied = false;
  show("busy");
  if (typeof RTCPeerConnection === "undefined") {
    show({ trouble: PAGE.unsupported });
    return;
  }
  try {
    const findings = await examine(hub, token);
    const assessment = assess(findings, location.hostname);
    show({ assessment, report: reportOf(assessment, findings, location.host, new Date()) });
  } catch {
    show({ trouble: PAGE.failed });
  }
}

function show(shown: Shown): void {
  render(
    html`<main>
      <h1>${PAGE.title}</h1>
      <p>${PAGE.intro}</p>
      <div role="status" aria-busy=${shown === "busy"}>${headline(shown)}</div>
      ${typeof shown === "object" && "assessment" in shown ? results(shown.assessment) : nothing}
      ${shown === "busy" ? nothing : actions(shown)}
    </main>`,
    document.body,
  );
}

function headline(shown: Shown): TemplateResult {
  if (shown === "busy")
    return html`<p class="verdict busy"><span class="mark" aria-hidden="true"></span>${PAGE.busy}</p>`;
  if ("trouble" in shown) return html`<p class="verdict bad">${mark("bad")}${shown.trouble}</p>`;
  const { grade, verdict } = shown.assessment;
  return html`<p class="verdict ${grade}">${mark(grade)}${VERDICTS[verdict]}</p>`;
}

function results({ rows, advice }: Assessment): TemplateResult {
  return html`<ul class="findings">
      ${rows.map(
        ({ name, grade, text }) =>
          html`<li class=${grade}>
            ${mark(grade)}
            <h2>${name}</h2>
            <p>${text}</p>
          </li>`,
      )}
    </ul>
    <section>
      <h2>${PAGE.help}</h2>
      <ul class="advice">
        ${advice.map((text) => html`<li>${text}</li>`)}
      </ul>
    </section>`;
}

function mark(grade: Grade): TemplateResult {
  return html`<span class="mark" aria-hidden="true">${marks[grade]}</span><span class="sr">${GRADES[grade]}: </span>`;
}

function actions(shown: Exclude<Shown, "busy">): TemplateResult {
  const again = html`<button @click=${() => void run()}>${PAGE.again}</button>`;
  if ("trouble" in shown) return html`<div class="row">${again}</div>`;
  return html`<div class="row">
      ${again}
      <button class="second" @click=${() => void copy(shown)}>${copied ? PAGE.copied : PAGE.copy}</button>
    </div>
    <details>
      <summary>${PAGE.report}</summary>
      <pre tabindex="0">${shown.report}</pre>
    </details>`;
}

/** Copies the report, or opens and selects it where the browser lets no script copy, as on plain HTTP. */
async function copy(shown: Exclude<Shown, "busy" | { trouble: string }>): Promise<void> {
  try {
    await navigator.clipboard.writeText(shown.report);
    copied = true;
    show(shown);
  } catch {
    const details = document.querySelector("details");
    const text = details?.querySelector("pre");
    if (!details || !text) return;
    details.open = true;
    getSelection()?.selectAllChildren(text);
    text.focus();
  }
}

if (token) history.replaceState(null, "", location.pathname + location.search);
void run();
