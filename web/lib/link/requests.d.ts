import type { Draft, Envelope } from "../protocol/envelope.ts";
import type { Outgoing, Parcel } from "./outbox.ts";
/** What a request is answered with: its reply, or an error that refuses it. */
export type Answer = (answer: Envelope) => void;
/** The requests that no answer has come to yet. They outlive the link that carried them. */
export declare class Requests {
    #private;
    /** Gives a request its id. */
    add(draft: Draft, answer: Answer): Outgoing;
    /** How many opens there were, and whether one of them has no answer yet. */
    get opens(): {
        count: number;
        waiting: boolean;
    };
    /** Hands an answer to whoever asked. Returns false for one that nobody waits for any more. */
    answer(message: Envelope): boolean;
    /** Stops waiting for the answers to a session's requests, and does not send them again. */
    drop(session: string): void;
    /**
     * What has to be sent again when a link starts anew: every unanswered request, under a new id, and of what was lost
     * on the way each close; in their old order. The rest is repaired by sync. An open names the grant of the new link:
     * that of the old one ended with it.
     */
    again(lost: Parcel[], grant?: string): Parcel[];
}
