import { Emitter } from "../emitter.ts";
import type { Link } from "../link/link.ts";
import type { Holder } from "../link/options.ts";
import type { Envelope } from "../protocol/envelope.ts";
import type { ICEServer, Welcome } from "../protocol/handshake.ts";
import type { Reason } from "../protocol/reason.ts";
import type { Sync } from "../protocol/session.ts";
import { ControlChannel } from "./control.ts";
import type { SessionEvents, SessionOptions } from "./options.ts";
import { type PathDetails } from "./paths.ts";
import { type Gathering } from "./relays.ts";
import { Speech } from "./speech.ts";
/**
 * One viewer looking at one device: one peer connection, from its first offer to its end. A session lives once; whoever
 * wants to look again makes another. The loss of the link never touches a picture that flows.
 */
export declare class Session implements Holder {
    #private;
    readonly id: string;
    readonly events: Emitter<SessionEvents>;
    readonly stream: MediaStream;
    /** What is asked of the device itself. */
    readonly control: ControlChannel;
    /** The viewer's own sound; undefined where that may not be. */
    readonly speech: Speech | undefined;
    /** Makes the peer connection, whose certificate and first offer are then ready when the link is. */
    constructor(link: Link, options: SessionOptions);
    /** Whether media has a way now. */
    get connected(): boolean;
    /** What is known of the path; undefined before there is one. */
    get pathDetails(): PathDetails | undefined;
    /**
     * Asks for the session with the servers and the grant to gather with, and gathers. gathering is what the hub has told
     * of the session's policy beforehand.
     */
    open(servers: ICEServer[], grant: string | undefined, gathering?: Gathering): Promise<void>;
    /** Ends the session here and on the hub. */
    close(reason: Reason): void;
    /**
     * Brings fresh servers of the grant, which count from the next restart on. Those of another grant are not this
     * session's and are left alone.
     */
    useServers(servers: ICEServer[], grant: string | undefined): void;
    /** Notes that a frame was shown, which is known sooner than the statistics tell. */
    frameShown(): void;
    /** Takes what the hub says of the session without naming it in a message of its own. */
    hubEnded(reason: Reason): void;
    /** Takes a message of this session. */
    receive(message: Envelope): void;
    /** This end's state, to repair the hub's. */
    sync(): Sync;
    /** Does what had to wait for the link. */
    linkUp({ resumed, grant, ice_servers: servers }: Welcome): void;
    /** Restarts ICE at once: the addresses that the other end has are those of another network. */
    moved(): void;
}
