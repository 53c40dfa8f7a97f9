/** A typed list of listeners per event. Listeners run at once and in the order they were added. */
export class Emitter {
    #listeners = {};
    /** Adds a listener and returns what removes it. */
    on(event, listener) {
        const listeners = this.#listeners[event] ?? new Set();
        this.#listeners[event] = listeners;
        listeners.add(listener);
        return () => listeners.delete(listener);
    }
    /** Calls the listeners of an event. */
    emit(event, value) {
        for (const listener of [...(this.#listeners[event] ?? [])])
            listener(value);
    }
}
//# sourceMappingURL=emitter.js.map