/** Fills the screen with an element, or ends that. An iPhone lets only the video itself fill it. */
export async function toggleFullscreen(element, video) {
    if (document.fullscreenElement)
        await document.exitFullscreen();
    else if (element.requestFullscreen)
        await element.requestFullscreen().catch(() => undefined);
    else
        video?.webkitEnterFullscreen?.();
}
//# sourceMappingURL=fullscreen.js.map