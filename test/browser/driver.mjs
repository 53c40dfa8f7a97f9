// Drives one Chromium for a program that speaks JSON, one object a line: on stdin {"id":1,"do":"open","page":"a",…},
// on stdout {"id":1,"ok":…} or {"id":1,"error":"…"}. The first line out is {"ready":true}. What pages write to their
// console goes to stderr. Ends when stdin does.
//
// With --everyday pages are tabs of one window, and those behind another are hidden, throttled and frozen as they are
// for a person: Chromium is launched without the flags that usually keep tests from it, and pages are driven by a second
// connection, as Playwright's own keeps every page visible.
//
// With --mdns pages hide their own addresses from the other end behind names of multicast DNS, as they do for a person;
// without it they tell them, since not every namespace resolves such names.
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { commands } from "./page.mjs";

const everyday = process.argv.includes("--everyday");
const mdns = process.argv.includes("--mdns");
/** Free in a namespace of its own. */
const debuggingPort = 9222;

const launched = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  ignoreDefaultArgs: everyday
    ? [
        "--disable-background-timer-throttling",
        "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding",
      ]
    : [],
  args: [
    ...(everyday ? [`--remote-debugging-port=${debuggingPort}`] : []),
    "--no-sandbox", // root in a namespace of its own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    ...(mdns ? [] : ["--disable-features=WebRtcHideLocalIpsWithMdns"]),
    "--autoplay-policy=no-user-gesture-required",
    ...JSON.parse(process.env.CHROMIUM_FLAGS ?? "[]"),
  ],
});
const browser = everyday
  ? await chromium.connectOverCDP(`http://127.0.0.1:${debuggingPort}`, { noDefaults: true })
  : launched;
const scripts = ["probe.js", "path.js", "glass.js"].map((name) => fileURLToPath(new URL(name, import.meta.url)));
const pages = new Map();

/**
 * Each page has a context of its own: pages share no storage, as viewers on different machines would not. Only tabs of
 * one window share it.
 */
async function open({ page: name, url, timeoutMS }) {
  if (pages.has(name)) throw new Error(`page ${name} is open already`);
  const context = everyday ? browser.contexts()[0] : await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  for (const path of scripts) await page.addInitScript({ path });
  page.on("console", (message) => console.error(`${name}: ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => console.error(`${name}: uncaught: ${error.stack}`));
  pages.set(name, page);
  await page.goto(url, { timeout: timeoutMS, waitUntil: "commit" });
  return null;
}

async function close({ page: name }) {
  const page = pages.get(name);
  pages.delete(name);
  await (everyday ? page?.close() : page?.context().close());
  return null;
}

async function answer(request) {
  if (request.do === "open") return open(request);
  if (request.do === "close") return close(request);
  const page = pages.get(request.page);
  if (!page) throw new Error(`page ${request.page} is not open`);
  const command = commands[request.do];
  if (!command) throw new Error(`unknown command ${request.do}`);
  return command(page, request);
}

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  answer(request).then(
    (ok) => say({ id: request.id, ok: ok ?? null }),
    (error) => say({ id: request.id, error: error.message.split("\n")[0] }),
  );
}
await browser.close();
await launched.close();
