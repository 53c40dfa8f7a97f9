import { svg } from "lit";
function icon(shapes) {
    return svg `<svg viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.75"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${shapes}</svg>`;
}
/** The player's icons, drawn for a 24 by 24 grid. */
export const ICONS = {
    direct: icon(svg `<path d="M4 12h16M14 6l6 6-6 6"/>`),
    relay: icon(svg `<path d="M3 17c3 0 4-8 7-8"/><circle cx="12.5" cy="9" r="2.5"/><path d="M15 9c3 0 3 8 6 8M18 14l3 3-3 3"/>`),
    expand: icon(svg `<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>`),
    shrink: icon(svg `<path d="M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5"/>`),
    sound: icon(svg `<path d="M4 9.5v5h3.5L12 19V5L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"/>`),
    muted: icon(svg `<path d="M4 9.5v5h3.5L12 19V5L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5"/>`),
    stats: icon(svg `<path d="M4 20V11M10 20V4M16 20v-7M21 20H3"/>`),
    camera: icon(svg `<rect x="3" y="6.5" width="12.5" height="11" rx="2.5"/><path d="m15.5 10.5 5.5-3v9l-5.5-3z"/>`),
    away: icon(svg `<path d="M6 6.6A2.5 2.5 0 0 0 3 9v6a2.5 2.5 0 0 0 2.5 2.5H13M9.5 6.5H13A2.5 2.5 0 0 1 15.5 9v3.5M15.5 10.5l5.5-3v9l-2-1.1M4 3l16 18"/>`),
    microphone: icon(svg `<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>`),
    move: icon(svg `<path d="M12 3v18M3 12h18M9.5 5.5 12 3l2.5 2.5M9.5 18.5 12 21l2.5-2.5M5.5 9.5 3 12l2.5 2.5M18.5 9.5 21 12l-2.5 2.5"/>`),
    still: icon(svg `<path d="M4 8h3.5L9 5.5h6L16.5 8H20v11H4z"/><circle cx="12" cy="13" r="3.25"/>`),
    up: icon(svg `<path d="m6 15 6-6 6 6"/>`),
    down: icon(svg `<path d="m6 9 6 6 6-6"/>`),
    left: icon(svg `<path d="m15 6-6 6 6 6"/>`),
    right: icon(svg `<path d="m9 6 6 6-6 6"/>`),
    closer: icon(svg `<path d="M12 6v12M6 12h12"/>`),
    wider: icon(svg `<path d="M6 12h12"/>`),
    home: icon(svg `<path d="m4 11.5 8-7 8 7M6.5 9.5V19h11V9.5"/>`),
    tick: icon(svg `<path d="m5 12.5 4.5 4.5L19 7.5"/>`),
    stop: icon(svg `<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5v5.5M12 16.2v.1"/>`),
    signal: icon(svg `<path d="M4 10a12 12 0 0 1 16 0M7 13.5a7.5 7.5 0 0 1 10 0M10 17a3 3 0 0 1 4 0M4 3l16 18"/>`),
};
//# sourceMappingURL=icons.js.map