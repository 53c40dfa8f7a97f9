import type { ErrorBody } from "./error.ts";
import type { Goaway, Hello, Welcome } from "./handshake.ts";
import type { Network } from "./network.ts";
import type { Candidate, Describe, Ending, Extend, Invite, Open, Opened, Path, Reply, Sync } from "./session.ts";
import type { Capture, EventBody, Gap, ICEServers, Policy, Presence, Snapshot, Stats } from "./state.ts";
/** The body of each message type; undefined for types that have none. */
export interface Bodies {
    hello: Hello;
    welcome: Welcome;
    ping: undefined;
    pong: undefined;
    ack: undefined;
    goaway: Goaway;
    bye: undefined;
    error: ErrorBody;
    snapshot: Snapshot;
    presence: Presence;
    policy: Policy;
    ice_servers: ICEServers;
    open: Open;
    opened: Opened;
    invite: Invite;
    describe: Describe;
    candidate: Candidate;
    path: Path;
    extend: Extend;
    close: Ending;
    closed: Ending;
    sync: Sync;
    reply: Reply;
    event: EventBody;
    gap: Gap;
    stats: Stats;
    network: Network;
    capture: Capture;
}
/** The name of a message. */
export type Type = keyof Bodies;
/** What an envelope carries beside its type and body. */
export interface Head {
    /** Numbers the sequenced messages of one direction from 1. */
    seq?: number;
    /** The highest seq taken over from the other side. */
    ack?: number;
    /** Names a request, from 1 per link and direction. */
    id?: number;
    /** The id that a reply answers. */
    re?: number;
    session?: string;
    /** The generation of the device link that a message comes from or tells about. */
    gen?: number;
}
/** One message on the link; its type decides its body. */
export type Envelope<T extends Type = Type> = {
    [K in T]: Head & {
        type: K;
        data: Bodies[K];
    };
}[T];
/** A message before the link has numbered it. */
export type Draft<T extends Type = Type> = {
    [K in T]: {
        type: K;
        session?: string;
        re?: number;
        data: Bodies[K];
    };
}[T];
/**
 * How a message travels. Control belongs to the socket; state is kept per key, the newest replaces; sequenced arrives
 * exactly once and in order; events have a sequence of their own; volatile may be dropped.
 */
export type Class = "control" | "state" | "sequenced" | "event" | "volatile";
/** The class of each type, but for the two exceptions that {@link classOf} knows. */
export declare const CLASSES: Readonly<Record<Type, Class>>;
/** How a message travels: an error that answers is sequenced, a report that media flows is state. */
export declare function classOf(message: Draft): Class;
/** What a state message replaces: the newest of its type for its session, or for its device. */
export declare function stateKey(message: Draft): string;
