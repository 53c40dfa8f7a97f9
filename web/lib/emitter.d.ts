/** A typed list of listeners per event. Listeners run at once and in the order they were added. */
export declare class Emitter<E> {
    #private;
    /** Adds a listener and returns what removes it. */
    on<K extends keyof E>(event: K, listener: (value: E[K]) => void): () => void;
    /** Calls the listeners of an event. */
    emit<K extends keyof E>(event: K, value: E[K]): void;
}
