/** The way to another host, where a hub that stops sends its clients: one host after the other, until it is cancelled. */
export declare class Departure {
    #private;
    /** hosts are host or host:port; they have the scheme and the path of home. go is called with each that is next. */
    constructor(home: URL, hosts: readonly string[], random: (() => number) | undefined, go: (hub: URL) => void);
    /** Goes to the next host. */
    next(): void;
    /** Goes to the next host after a while. */
    later(): void;
    /** Goes nowhere any more. */
    cancel(): void;
}
