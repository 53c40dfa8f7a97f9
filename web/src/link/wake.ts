/**
 * Calls back when the world has changed so that another try is worth while: the network came back, the page is looked
 * at again, or it left the back-forward cache. Returns what stops it. Does nothing where there is no window.
 */
export function onWake(wake: () => void): () => void {
  if (typeof window === "undefined") return () => undefined;
  const seen = () => {
    if (document.visibilityState === "visible") wake();
  };
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", wake);
  document.addEventListener("visibilitychange", seen);
  return () => {
    window.removeEventListener("online", wake);
    window.removeEventListener("pageshow", wake);
    document.removeEventListener("visibilitychange", seen);
  };
}
