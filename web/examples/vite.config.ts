import { defineConfig, type Plugin } from "vite";

const hub = process.env.SIGHTLINE_HUB ?? "http://127.0.0.1:8080";

/**
 * The part of a partner's backend that the examples need: it knows the API key, makes tokens for its visitors and lists the
 * cameras. Here a real backend looks who asks.
 */
function backend(): Plugin {
  const ask = (path: string, body?: unknown) =>
    fetch(hub + path, {
      method: body ? "POST" : "GET",
      headers: { authorization: `Bearer ${process.env.SIGHTLINE_KEY}`, "content-type": "application/json" },
      body: body ? JSON.stringify(body) : null,
    });
  return {
    name: "partner-backend",
    configureServer({ middlewares }) {
      middlewares.use("/site", async (request, response) => {
        const [, what, device] = (request.url ?? "").split("/");
        const answer =
          what === "token" ? await ask("/v1/tokens", { device, subject: "a visitor" }) : await ask("/v1/devices");
        response.statusCode = answer.status;
        response.end(await answer.text());
      });
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  define: { HUB: JSON.stringify(hub) },
  plugins: [backend()],
  server: { host: "127.0.0.1", port: 8090 },
  build: {
    target: "es2022",
    rollupOptions: { input: ["one", "wall"].map((name) => `${import.meta.dirname}/${name}/index.html`) },
  },
});
