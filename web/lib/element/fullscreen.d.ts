/** Fills the screen with an element, or ends that. An iPhone lets only the video itself fill it. */
export declare function toggleFullscreen(element: HTMLElement, video: HTMLVideoElement | undefined): Promise<void>;
