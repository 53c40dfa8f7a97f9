/** The requests that no answer has come to yet. They outlive the link that carried them. */
export class Requests {
    #last = 0;
    #opens = 0;
    #waiting = new Map();
    /** Gives a request its id. */
    add(draft, answer) {
        this.#last++;
        if (draft.type === "open")
            this.#opens++;
        const message = { ...draft, id: this.#last };
        this.#waiting.set(this.#last, { message, answer });
        return message;
    }
    /** How many opens there were, and whether one of them has no answer yet. */
    get opens() {
        const waiting = [...this.#waiting.values()].some(({ message }) => message.type === "open");
        return { count: this.#opens, waiting };
    }
    /** Hands an answer to whoever asked. Returns false for one that nobody waits for any more. */
    answer(message) {
        const waiting = this.#waiting.get(message.re ?? 0);
        if (!waiting)
            return false;
        this.#waiting.delete(message.re ?? 0);
        waiting.answer(message);
        return true;
    }
    /** Stops waiting for the answers to a session's requests, and does not send them again. */
    drop(session) {
        for (const [id, { message }] of this.#waiting) {
            if (message.session === session)
                this.#waiting.delete(id);
        }
    }
    /**
     * What has to be sent again when a link starts anew: every unanswered request, under a new id, and of what was lost
     * on the way each close; in their old order. The rest is repaired by sync. An open names the grant of the new link:
     * that of the old one ended with it.
     */
    again(lost, grant) {
        const waiting = this.#waiting;
        this.#waiting = new Map();
        this.#last = 0;
        const unacknowledged = new Set(lost.map(({ message }) => message.id));
        const acknowledged = [...waiting.values()].filter(({ message }) => !unacknowledged.has(message.id));
        const send = [];
        for (const parcel of [...acknowledged, ...lost]) {
            const { id, type } = parcel.message;
            const request = id === undefined ? undefined : waiting.get(id);
            if (request)
                send.push({ message: this.add(withGrant(request.message, grant), request.answer) });
            else if (type === "close")
                send.push(parcel);
        }
        return send;
    }
}
function withGrant(message, grant) {
    if (message.type !== "open")
        return message;
    const { grant: _, ...data } = message.data;
    return { ...message, data: grant === undefined ? data : { ...data, grant } };
}
//# sourceMappingURL=requests.js.map