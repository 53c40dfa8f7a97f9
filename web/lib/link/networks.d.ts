/** Where and for how long something is remembered. */
export interface NetworksOptions<T> {
    /** The key in localStorage. */
    place: string;
    /** For how many milliseconds, and how many of them at most. */
    term: number;
    most: number;
    /** Tells whether a stored entry is whole: storage may hold anything. */
    valid(entry: Partial<T>): boolean;
}
/**
 * Remembers something of networks, for a while. A page knows little of its network, so it should forget soon. Without
 * storage it remembers nothing, and nothing else changes.
 */
export declare class Networks<T extends object> {
    #private;
    constructor(options: NetworksOptions<T>);
    /** What is known of a network. */
    recall(network: string): T | undefined;
    /** Notes something of a network; the oldest note makes room. */
    remember(network: string, known: T): void;
    /** Drops what is known of a network. */
    forget(network: string): void;
}
/** The hub, and all that a browser tells of the network: its kind, or not even that. */
export declare function networkOf(hub: URL): string;
/** What kind of network the browser says it is on, where it says so. */
export declare function networkType(): string | undefined;
