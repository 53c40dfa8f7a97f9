import type { Envelope } from "../protocol/envelope.ts";
import type { ProtocolError } from "../protocol/error.ts";
import type { Client, Welcome } from "../protocol/handshake.ts";
import type { Sync } from "../protocol/session.ts";
import type { FallbackTimes } from "./policy.ts";
import type { Doors } from "./transport.ts";
/** Where a link stands. Down is between two sockets; stopped is for good, until start is called again. */
export type LinkStatus = "idle" | "connecting" | "up" | "down" | "stopped";
/** What a link is made with. */
export interface LinkOptions {
    /** The hub's address, http or https, with or without a path. */
    hub: URL;
    /** The viewer token; it is sent in the first message and never stands in an address. */
    token: string;
    /**
     * Asked for a new token when the hub refuses the one it has; undefined or a rejection means that there is none.
     * Absent means never.
     */
    renewToken?: ((why: ProtocolError) => Promise<string | undefined>) | undefined;
    /** What the hub is told about this program. */
    client?: Client;
    /** What makes the transport of each door: WebSocket and long poll unless told otherwise. One alone is never left. */
    doors?: Doors | undefined;
    /** When to leave the WebSocket for the long poll and when to look for it again. */
    fallback?: Partial<FallbackTimes> | undefined;
    /** Numbers from 0 to 1 for the back-off; Math.random unless told otherwise. */
    random?: () => number;
}
/** What a link tells. */
export interface LinkEvents {
    /**
     * The hub has said welcome; what is posted now goes out at once. It comes again without a down when the link has moved
     * to another door.
     */
    up: Welcome;
    /** The socket is gone; another try follows. */
    down: {
        retryMs: number;
    };
    /** A message that neither the link itself nor a holder handled. */
    message: Envelope;
    /** The hub will not have this client, and there was no better token. */
    stopped: ProtocolError;
}
/** A session as its link sees it. */
export interface Holder {
    readonly id: string;
    /** Takes a message of this session. */
    receive(message: Envelope): void;
    /** This end's state, to repair the hub's when messages were lost. */
    sync(): Sync;
    /** The link is up again; what has to be sent again goes first. */
    linkUp(welcome: Welcome): void;
    /** The network is another one, or came back. */
    moved?(): void;
}
