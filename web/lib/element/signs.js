/** Shows a change of a view on its element: in attributes, and in events that cross shadow roots. */
export function showSigns(host, before, view) {
    const { state, reason = null, path = null, transport = null, fallback = null, camera = null, talk } = view;
    const means = view.pathDetails?.means ?? null;
    host.dataset.state = state;
    reflect(host, "path", path);
    reflect(host, "transport", transport);
    reflect(host, "source", camera?.source ?? null);
    if (view.path !== before.path || means !== (before.pathDetails?.means ?? null)) {
        tell(host, "sightline-path", { path, means });
    }
    if (view.transport !== before.transport || view.fallback !== before.fallback) {
        tell(host, "sightline-transport", { transport, fallback });
    }
    if (view.camera !== before.camera)
        tell(host, "sightline-camera", { camera });
    if (view.talk !== before.talk)
        tell(host, "sightline-talk", talk);
    if (state !== before.state || view.reason !== before.reason)
        tell(host, "sightline-state", { state, reason });
}
/** What of a view is drawn, but for the figures of the panel. */
const drawn = [
    "state",
    "reason",
    "path",
    "transport",
    "fallback",
    "name",
    "lastSeen",
    "relayTime",
    "poster",
    "camera",
    "talk",
];
/** Whether a change is to be seen. */
export function isSeen(before, view, panel) {
    return panel || drawn.some((key) => view[key] !== before[key]) || !view.stats !== !before.stats;
}
function reflect(host, name, value) {
    if (!value)
        delete host.dataset[name];
    else if (host.dataset[name] !== value)
        host.dataset[name] = value;
}
function tell(host, name, detail) {
    host.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
}
//# sourceMappingURL=signs.js.map