import { Backoff } from "./backoff.js";
/** The way to another host, where a hub that stops sends its clients: one host after the other, until it is cancelled. */
export class Departure {
    #hubs;
    #go;
    #backoff;
    #at;
    #timer;
    /** hosts are host or host:port; they have the scheme and the path of home. go is called with each that is next. */
    constructor(home, hosts, random, go) {
        this.#hubs = hosts.flatMap((host) => at(home, host));
        this.#go = go;
        this.#backoff = new Backoff(random);
        this.#at = Math.floor((random ?? Math.random)() * this.#hubs.length);
    }
    /** Goes to the next host. */
    next() {
        const hub = this.#hubs[this.#at % this.#hubs.length];
        this.#at++;
        if (hub)
            this.#go(hub);
    }
    /** Goes to the next host after a while. */
    later() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.next(), this.#backoff.next());
    }
    /** Goes nowhere any more. */
    cancel() {
        clearTimeout(this.#timer);
    }
}
/** The hub at another host; none when that is no host. */
function at(home, host) {
    if (!/^[\w.:[\]-]+$/.test(host))
        return [];
    try {
        return [new URL(`${home.protocol}//${host}${home.pathname}`)];
    }
    catch {
        return [];
    }
}
//# sourceMappingURL=departure.js.map