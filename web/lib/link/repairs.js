import { ProtocolError } from "../protocol/error.js";
import { LIMITS } from "../protocol/limits.js";
/**
 * What a link that started anew still has to tell, in its order. The hub knows a session on a new link only after its
 * open or its sync, so a sync goes before whatever else is sent again of a session; the last sync says that it is.
 */
export class Repairs {
    #steps = [];
    #planned = true;
    /** Whether there is something to tell. */
    get waiting() {
        return this.#steps.length > 0;
    }
    /** Begins with what is sent again. Nothing is told before plan says of which sessions. */
    begin(again) {
        this.#steps = again.map((parcel) => ({ parcel }));
        this.#planned = false;
    }
    /** Adds the state of every session held; isHeld says at a sync's turn whether its session still is. */
    plan(held, isHeld) {
        const missing = new Map(held.map((holder) => [holder.id, holder]));
        const stateOf = (holder) => {
            missing.delete(holder.id);
            return {
                session: holder.id,
                sync: () => (isHeld(holder) ? { type: "sync", session: holder.id, data: holder.sync() } : undefined),
            };
        };
        const steps = [];
        for (const step of this.#steps) {
            const message = "parcel" in step ? step.parcel.message : undefined;
            const holder = message?.type === "open" ? undefined : missing.get(message?.session ?? "");
            if (holder && isHeld(holder))
                steps.push(stateOf(holder));
            else if ("parcel" in step)
                steps.push(...proofOf(step.parcel));
            steps.push(step);
        }
        for (const holder of missing.values())
            steps.push(stateOf(holder));
        if (!steps.some(isSync))
            steps.push({ session: undefined, sync: () => undefined });
        this.#steps = steps;
        this.#planned = true;
    }
    /** Puts what must arrive behind the rest. Throws too_slow when too much waits. */
    add(parcel) {
        if (this.#steps.length >= 2 * LIMITS.unacked) {
            throw new ProtocolError("too_slow", `${this.#steps.length} messages wait for a repair`);
        }
        const { session } = parcel.message;
        if (this.#steps.some((step) => isSync(step) && step.session === session))
            this.#steps.push(...proofOf(parcel));
        this.#steps.push({ parcel });
    }
    /** What to send next. */
    next() {
        while (this.#planned) {
            const step = this.#steps.shift();
            if (!step)
                break;
            if ("parcel" in step)
                return step.parcel;
            const last = !this.#steps.some(isSync);
            const message = step.sync() ?? (last ? nothing : undefined);
            if (message)
                return { message: last ? { ...message, data: { ...message.data, last } } : message };
        }
        return undefined;
    }
    /** Forgets it all, and returns the messages that were not sent. */
    clear() {
        const waiting = this.#steps.flatMap((step) => ("parcel" in step ? [step.parcel] : []));
        this.#steps = [];
        this.#planned = true;
        return waiting;
    }
}
const nothing = { type: "sync", data: { revision: 0 } };
function isSync(step) {
    return "sync" in step;
}
/** The sync that shows a message to be this viewer's, if it brought one. */
function proofOf({ message, proof }) {
    return proof ? [{ session: message.session, sync: () => proof }] : [];
}
//# sourceMappingURL=repairs.js.map