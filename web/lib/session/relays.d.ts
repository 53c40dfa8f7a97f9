import type { ICEServer } from "../protocol/handshake.ts";
import type { Path } from "../protocol/session.ts";
import type { Policy } from "../protocol/state.ts";
/** What a policy says of gathering. */
export type Gathering = Pick<Policy, "path" | "relay_delay_ms">;
/** What relays are made with. */
export interface RelaysOptions {
    hub: URL;
    device: string;
    /** Whether to use relays only, whatever the hub's policy allows. */
    relayOnly: boolean;
    /** Nothing has come of what was gathered so far: now is the time for an ICE restart, before which join is called. */
    due(): void;
}
/**
 * Decides when a viewer gathers relays, and which: at once, after the direct path had its time, or never; over UDP alone
 * where that gets through. A browser allocates on each URL that it has, from the start, and gives up early on what takes
 * longer, such as ICE-TCP.
 */
export declare class Relays {
    #private;
    constructor(options: RelaysOptions);
    /** Begins with what welcome said of the policy. Gathering follows. */
    begin({ path, relay_delay_ms }: Gathering, servers: ICEServer[]): void;
    /** Uses other servers. */
    use(servers: ICEServer[]): void;
    /** Follows a policy that has changed; true when what was gathered so far is too much for it, or too little. */
    follow({ path, relay_delay_ms }: Gathering): boolean;
    /** Notes an answer: from now on checks are made. */
    answered(): void;
    /** Notes whether there is a way. */
    connected(connected: boolean): void;
    /** Takes a candidate of the viewer's own. */
    gathered(line: string): void;
    /** Lets relays take part from now on, or more of them, as far as the policy does. Gathering anew follows. */
    join(): void;
    /** Notes which path was found, for the next look at this camera from this network. */
    took({ kind, protocol }: Path): void;
    /** Forgets what was tried: the network is another one. */
    moved(): void;
    /** How to gather now. */
    configuration(): RTCConfiguration;
    /** Plans nothing more. */
    stop(): void;
}
