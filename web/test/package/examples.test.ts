// @vitest-environment node
import { createServer as createHub } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createServer } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";

const examples = resolve(dirname(fileURLToPath(import.meta.url)), "../../examples");

/** What came to the hub, which knows one camera and gives one token. */
const asked: string[] = [];
const hub = createHub((request, response) => {
  asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(request.method === "POST" ? { token: "t" } : { devices: [{ id: "cam", name: "Door" }] }));
});
let site: Awaited<ReturnType<typeof createServer>>;

beforeAll(async () => {
  await new Promise<void>((up) => hub.listen(0, "127.0.0.1", up));
  const { port } = hub.address() as AddressInfo;
  Object.assign(process.env, { SIGHTLINE_HUB: `http://127.0.0.1:${port}`, SIGHTLINE_KEY: "sl_live_x" });
  site = await createServer({
    configFile: resolve(examples, "vite.config.ts"),
    logLevel: "silent",
    server: { port: 0, hmr: false, ws: false },
  });
  await site.listen();
}, 60_000);

afterAll(async () => {
  await site.close();
  hub.close();
});

/** What the site answers. */
async function answer(path: string): Promise<string> {
  const response = await fetch(new URL(path, site.resolvedUrls?.local[0]));
  expect(response.status, path).toBe(200);
  return response.text();
}

it("the pages of the examples find the package and the hub", { timeout: 60_000 }, async () => {
  for (const name of ["one", "wall"]) {
    expect(await answer(`/${name}/`)).toContain('src="main.ts"');
    const program = await answer(`/${name}/main.ts`);
    expect(program).toContain("/lib/element/");
    expect(program).not.toMatch(/from "@sightline/);
  }
  const backend = await answer("/backend.ts"); // what both of them import
  expect(backend).toContain("cameras");
  expect(asked).toEqual([]);
});

it("the backend of the examples asks with the API key", async () => {
  expect(JSON.parse(await answer("/site/devices")).devices).toHaveLength(1);
  expect(JSON.parse(await answer("/site/token/cam")).token).toBe("t");
  expect(asked).toEqual(["GET /v1/devices Bearer sl_live_x", "POST /v1/tokens Bearer sl_live_x"]);
});
