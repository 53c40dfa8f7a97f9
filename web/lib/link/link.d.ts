import { Emitter } from "../emitter.ts";
import type { Draft } from "../protocol/envelope.ts";
import type { Door, Fallback } from "../protocol/fallback.ts";
import type { Reason } from "../protocol/reason.ts";
import type { Holder, LinkEvents, LinkOptions, LinkStatus } from "./options.ts";
import type { Answer } from "./requests.ts";
/**
 * A viewer's durable connection to a hub. Carriers come and go under it, by whichever door the network leaves open; what
 * is posted arrives once and in order while the link resumes, and sessions repair their state when it could not.
 */
export declare class Link {
    #private;
    readonly events: Emitter<LinkEvents>;
    /** The hub that the link was told. */
    readonly hub: URL;
    constructor(options: LinkOptions);
    /** Where the link stands. */
    get status(): LinkStatus;
    /** By which door the link is up; undefined while it is not. */
    get transport(): Door | undefined;
    /** Why that is not the WebSocket. */
    get fallback(): Fallback | undefined;
    /** The hub's clock in milliseconds, as far as its last welcome told. */
    get hubNow(): number;
    /** Opens the first socket at once. Does nothing when started already. */
    start(): void;
    /** Says bye, which ends the link's sessions on the hub, and closes the socket. */
    stop(): void;
    /** Uses another token from the next socket on. A link that was stopped starts again. */
    setToken(token: string): void;
    /** Leaves the socket and comes back as a new link, with the token it has now. */
    renew(): void;
    /** Sends a message, now or when the link is up again. */
    post(draft: Draft): void;
    /** Ends a session on the hub, which the owner proves to be ours should the link have to start anew before it knows. */
    close(session: string, reason: Reason, owner: string): void;
    /** Sends a request; the answer comes once, before anything else that the hub sends after it. */
    request(draft: Draft, answer: Answer): void;
    /** Hands a session its messages until the returned function is called. */
    hold(holder: Holder): () => void;
}
