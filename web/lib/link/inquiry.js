import { addressOf, PATHS } from "../protocol/poll.js";
/** How long the inquiry may take, in milliseconds: it is over before a second WebSocket has failed, or of no use. */
const within = 3000;
/**
 * Asks who answers at the address of a hub's WebSocket, once one has failed: a browser tells nothing of a failed
 * upgrade, but a page of the same origin sees the answer to a plain request. Undefined when there is nothing to tell.
 */
export async function inquire(hub) {
    const address = addressOf(hub, PATHS.link);
    if (typeof location === "undefined" || address.origin !== location.origin)
        return undefined;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), within);
    try {
        const response = await fetch(address, {
            cache: "no-store",
            credentials: "omit",
            redirect: "manual",
            signal: over.signal,
        });
        void response.body?.cancel().catch(() => undefined);
        return judge(response);
    }
    catch {
        return undefined;
    }
    finally {
        clearTimeout(timer);
    }
}
function judge(response) {
    if (response.type === "opaqueredirect")
        return { reason: "captive_portal", detail: "a redirect" };
    if (response.headers.has("X-Sightline"))
        return undefined;
    const server = response.headers.get("Server");
    const detail = `HTTP ${response.status}${server ? ` from ${server.slice(0, 64)}` : ""}`;
    const page = response.ok && (response.headers.get("Content-Type") ?? "").startsWith("text/html");
    return { reason: page ? "captive_portal" : "status", detail };
}
//# sourceMappingURL=inquiry.js.map