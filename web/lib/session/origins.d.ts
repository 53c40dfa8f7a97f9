/** How a device came by its candidates, by their places. Ordinary ones are not in it. */
export declare class Origins {
    #private;
    /** Notes the means of a place, given as host:port; the oldest note makes room. */
    learn(place: string, means: string): void;
    /**
     * The means of a candidate; undefined for an ordinary one. Browsers hide the address of a candidate that they learned
     * from a check, but not its port: that is enough where all places with the port have the same means.
     */
    meansOf(address: string, port: number): string | undefined;
}
