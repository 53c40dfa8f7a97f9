/** What came back for one request. */
export interface Answer {
    status: number;
    /** The JSON of the body; undefined when it is none. */
    body: unknown;
    /** Milliseconds of Retry-After; 0 without one. */
    retryMs: number;
    /** Whether the server itself has answered, rather than something in between. */
    ofHub: boolean;
}
/** The HTTP requests of one carrier, which all end with it. */
export declare class Requester {
    #private;
    constructor(hub: URL);
    /** Posts a body and waits for the whole answer; undefined when none came in time. Never throws. */
    post(path: string, body: string, link: string | undefined, within: number): Promise<Answer | undefined>;
    /** Posts a body that nobody waits for; kept alive, it goes out even if the page is going. */
    last(path: string, body: string, link: string, keepalive: boolean): void;
    /** Waits, at most until abort. */
    pause(ms: number): Promise<void>;
    /** Gives up every request and every pause. */
    abort(): void;
}
