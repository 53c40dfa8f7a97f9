import { MOVE_KEYS } from "./moving.js";
/** Does what a key stands for; it is called for its press and for its release. */
export function onKey(event, { camera, open }, act) {
    const down = event.type === "keydown";
    const move = MOVE_KEYS[event.key];
    if (down && (event.ctrlKey || event.metaKey || event.altKey))
        return;
    if (move && camera?.ptz) {
        // Otherwise the page would scroll.
        event.preventDefault();
        if (!down)
            act.letGo(move);
        else if (!event.repeat)
            act.hold(move);
    }
    else if (event.key === " " && camera?.talk && !(event.composedPath()[0] instanceof HTMLButtonElement)) {
        event.preventDefault();
        if (!event.repeat)
            act.talk(down);
    }
    else if (down)
        press(event.key, open, act);
}
function press(key, open, act) {
    switch (key) {
        case "f":
            act.toggleFullscreen();
            break;
        case "m":
            act.toggleSound();
            break;
        case "i":
            act.toggle("panel");
            break;
        case "Escape":
            if (open)
                act.toggle(open);
            break;
        default:
            act.touched();
    }
}
//# sourceMappingURL=keys.js.map