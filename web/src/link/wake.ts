import { networkType } from "./networks.ts";

/** What the world does to a link. */
export interface WakeEvents {
  /**
   * Another try is worth while and the socket may be dead: the network came back, the page is looked at again, was
   * thawed, or left the back-forward cache.
   */
  woke(): void;
  /** The network is another one; woke follows. */
  moved(): void;
  /** The network went away, or so the browser believes. */
  offline(): void;
}

/** Watches the page and the network; returns what stops it. Does nothing where there is no window. */
export function onWake({ woke, moved, offline }: WakeEvents): () => void {
  if (typeof window === "undefined") return () => undefined;
  const seen = () => {
    if (document.visibilityState === "visible") woke();
  };
  const movedAndWoke = () => {
    moved();
    woke();
  };
  let type = networkType();
  // It also tells of every change of an estimated speed.
  const changed = () => {
    if (type === networkType()) return;
    type = networkType();
    movedAndWoke();
  };
  const { connection } = navigator as { connection?: EventTarget };
  const watched: [EventTarget, string, () => void][] = [
    [window, "online", movedAndWoke],
    [window, "offline", offline],
    [window, "pageshow", woke],
    [document, "visibilitychange", seen],
    [document, "resume", woke],
  ];
  if (connection?.addEventListener) watched.push([connection, "change", changed]);
  for (const [target, type, listener] of watched) target.addEventListener(type, listener);
  return () => {
    for (const [target, type, listener] of watched) target.removeEventListener(type, listener);
  };
}
