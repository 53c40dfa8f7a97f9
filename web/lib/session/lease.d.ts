/** What a lease asks for. */
export interface LeaseEvents {
    /** Time to extend. */
    due(): void;
    /** It passed: both ends end the session, link or no link. */
    expired(): void;
}
/** Watches the time that a session may live. */
export declare class Lease {
    #private;
    constructor(events: LeaseEvents);
    /** Sets the end, in milliseconds of the hub's clock. One that is no later than the present end plans no extension. */
    set(until: number, hubNow: number): void;
    /** Watches no more. */
    stop(): void;
}
