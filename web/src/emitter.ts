/** A typed list of listeners per event. Listeners run at once and in the order they were added. */
export class Emitter<E> {
  readonly #listeners: { [K in keyof E]?: Set<(value: E[K]) => void> } = {};

  /** Adds a listener and returns what removes it. */
  on<K extends keyof E>(event: K, listener: (value: E[K]) => void): () => void {
    const listeners = this.#listeners[event] ?? new Set<(value: E[K]) => void>();
    this.#listeners[event] = listeners;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Calls the listeners of an event. */
  emit<K extends keyof E>(event: K, value: E[K]): void {
    for (const listener of [...(this.#listeners[event] ?? [])]) listener(value);
  }
}
