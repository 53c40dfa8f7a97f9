import type { Connect } from "./transport.ts";
/** Carries a link over `GET /v1/link` as a WebSocket. */
export declare const webSocket: Connect;
/** The address of a hub's link: its URL, which may have a path, with ws for http. */
export declare function linkURL(hub: URL): string;
