// @ts-check
// A partner's backend and its tiny site: it makes viewer tokens, by the API or with a signing key of its own, and hears what
// happens by webhooks. It needs Node and the package standardwebhooks.
//
//   SIGHTLINE_HUB=https://hub.example SIGHTLINE_KEY=sl_live_… node server.mjs
//
// SIGHTLINE_SIGNING_KEY names a key that POST /v1/signing-keys has registered, SIGHTLINE_PRIVATE_KEY is the file with its private
// half (PEM), SIGHTLINE_PROJECT the project. SIGHTLINE_WEBHOOK_SECRET is what POST /v1/webhooks returned for
// http(s)://THIS/webhooks. LISTEN is HOST:PORT, 127.0.0.1:8090 unless set.
//
//   GET  /?device=DEVICE[&by=key]     a page with the camera
//   POST /token?device=DEVICE[&by=key]
//   POST /webhooks                    what Sightline sends
//   GET  /heard                       the events so far
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const { SIGHTLINE_HUB: hub, SIGHTLINE_KEY: key, LISTEN: listen = "127.0.0.1:8090" } = process.env;
if (!hub || !key) {
  process.stderr.write("set SIGHTLINE_HUB and SIGHTLINE_KEY\n");
  process.exit(2);
}

/** The events that came, by their IDs: one may come twice and counts once. @type {Map<string, unknown>} */
const heard = new Map();

/** A token that the server makes. @param {string} device */
async function tokenByAPI(device) {
  const answer = await fetch(`${hub}/v1/tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": randomUUID() },
    body: JSON.stringify({ device, subject: "user 17" }),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${body.code}: ${body.detail}`);
  return body.token;
}

/** A token that this program signs: no request, however many viewers come at once. @param {string} device */
function tokenByKey(device) {
  const { SIGHTLINE_SIGNING_KEY: kid, SIGHTLINE_PRIVATE_KEY: file, SIGHTLINE_PROJECT: project } = process.env;
  if (!kid || !file || !project) throw new Error("no signing key is set");
  const now = Math.floor(Date.now() / 1000);
  const part = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "EdDSA", typ: "JWT", kid })}.${part({
    iss: project,
    prj: project,
    aud: "sightline",
    sub: "user 17",
    dev: device,
    grants: ["view", "audio"],
    iat: now,
    exp: now + 3600,
    jti: randomUUID(),
  })}`;
  return `${text}.${sign(null, Buffer.from(text), createPrivateKey(readFileSync(file))).toString("base64url")}`;
}

/** Takes what a webhook brings, if it is Sightline's word. @param {string} body @param {Record<string, string>} headers */
function hear(body, headers) {
  const event = /** @type {{event_id: string, type: string}} */ (
    new Webhook(process.env.SIGHTLINE_WEBHOOK_SECRET ?? "").verify(body, headers)
  );
  if (!heard.has(event.event_id)) process.stdout.write(`${event.type} ${body}\n`);
  heard.set(event.event_id, event);
}

/** @param {URL} url */
const page = (url) => `<!doctype html>
<html lang="en">
<meta charset="utf-8"><title>A partner's page</title>
<script type="module" src="${hub}/sightline-camera.js"></script>
<h1>Your camera</h1>
<sightline-camera></sightline-camera>
<script type="module">
  const camera = document.querySelector("sightline-camera");
  camera.tokenProvider = async () => (await fetch("/token" + location.search, { method: "POST" })).text();
  camera.setAttribute("hub", ${JSON.stringify(hub)});
  camera.device = ${JSON.stringify((url.searchParams.get("device") ?? "").replace(/[^a-z0-9_-]/g, ""))};
</script>
</html>
`;

/** @param {import("node:http").IncomingMessage} request @param {URL} url @returns {Promise<[number, string, string]>} */
async function answer(request, url) {
  switch (`${request.method} ${url.pathname}`) {
    case "GET /":
      return [200, "text/html; charset=utf-8", page(url)];
    case "POST /token": {
      const device = url.searchParams.get("device") ?? "";
      return [200, "text/plain", url.searchParams.get("by") === "key" ? tokenByKey(device) : await tokenByAPI(device)];
    }
    case "POST /webhooks": {
      let body = "";
      for await (const chunk of request.setEncoding("utf8")) {
        body += chunk;
        if (body.length > 64 << 10) return [413, "text/plain", "too large"];
      }
      try {
        hear(body, /** @type {Record<string, string>} */ (request.headers));
      } catch (error) {
        if (error instanceof WebhookVerificationError) return [401, "text/plain", "this is not Sightline's"];
        throw error;
      }
      return [204, "text/plain", ""];
    }
    case "GET /heard":
      return [200, "application/json", JSON.stringify([...heard.values()])];
  }
  return [404, "text/plain", "there is nothing here"];
}

const server = createServer((request, response) => {
  answer(request, new URL(request.url ?? "/", "http://site"))
    .catch((error) => /** @type {[number, string, string]} */ ([502, "text/plain", String(error)]))
    .then(([status, type, body]) => response.writeHead(status, { "content-type": type }).end(body));
});
const colon = listen.lastIndexOf(":");
server.listen(Number(listen.slice(colon + 1)), listen.slice(0, colon), () => {
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  process.stdout.write(`${JSON.stringify({ ready: true, url: `http://${address.address}:${address.port}` })}\n`);
});
for (const end of ["SIGINT", "SIGTERM"]) process.on(end, () => process.exit(0));
