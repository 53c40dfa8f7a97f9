import type { Fallback } from "../protocol/fallback.ts";
/**
 * Asks who answers at the address of a hub's WebSocket, once one has failed: a browser tells nothing of a failed
 * upgrade, but a page of the same origin sees the answer to a plain request. Undefined when there is nothing to tell.
 */
export declare function inquire(hub: URL): Promise<Fallback | undefined>;
