/** The camera's latest still picture, to be shown until the live one is there. It is a help that may fail in silence. */
export declare class Poster {
    #private;
    constructor(changed: () => void);
    /** An object URL of it; undefined while there is none. */
    get url(): string | undefined;
    /** Asks the hub for it, after all that the live picture needs. */
    fetch(hub: URL, device: string, token: string): Promise<void>;
    /** Shows it no more once the live picture has had time to fade in over it. */
    fade(): void;
    /** Shows it no more. */
    drop(): void;
}
