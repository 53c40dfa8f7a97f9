import { networkType } from "./networks.js";
/** Watches the page and the network; returns what stops it. Does nothing where there is no window. */
export function onWake({ woke, moved, offline }) {
    if (typeof window === "undefined")
        return () => undefined;
    const seen = () => {
        if (document.visibilityState === "visible")
            woke();
    };
    const movedAndWoke = () => {
        moved();
        woke();
    };
    let type = networkType();
    // It also tells of every change of an estimated speed.
    const changed = () => {
        if (type === networkType())
            return;
        type = networkType();
        movedAndWoke();
    };
    const { connection } = navigator;
    const watched = [
        [window, "online", movedAndWoke],
        [window, "offline", offline],
        [window, "pageshow", woke],
        [document, "visibilitychange", seen],
        [document, "resume", woke],
    ];
    if (connection?.addEventListener)
        watched.push([connection, "change", changed]);
    for (const [target, type, listener] of watched)
        target.addEventListener(type, listener);
    return () => {
        for (const [target, type, listener] of watched)
            target.removeEventListener(type, listener);
    };
}
//# sourceMappingURL=wake.js.map