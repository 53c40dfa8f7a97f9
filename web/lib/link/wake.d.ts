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
export declare function onWake({ woke, moved, offline }: WakeEvents): () => void;
