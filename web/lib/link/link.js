import { Emitter } from "../emitter.js";
import { CLOSE, closeFor, codeOf, mayReconnect } from "../protocol/close.js";
import { decode, encode, UnknownType } from "../protocol/codec.js";
import { ProtocolError } from "../protocol/error.js";
import { TIMES } from "../protocol/limits.js";
import { Backoff } from "./backoff.js";
import { Carriers } from "./carriers.js";
import { Credentials } from "./credentials.js";
import { Exchange } from "./exchange.js";
import { onWake } from "./wake.js";
/** Waking up tries again at once, but not more often than this (milliseconds). */
const wakeEvery = 500;
/** A socket that has not come to a welcome in this time is given up when the page wakes (milliseconds). */
const slowDial = 3000;
/** A timer so late means that the page slept, not that the hub was silent (milliseconds). */
const slept = 2000;
/** A carrier that was lost without a word (RFC 6455 section 7.4.1). */
const abnormal = 1006;
/**
 * A viewer's durable connection to a hub. Carriers come and go under it, by whichever door the network leaves open; what
 * is posted arrives once and in order while the link resumes, and sessions repair their state when it could not.
 */
export class Link {
    events = new Emitter();
    /** The hub that the link was told. */
    hub;
    #carriers;
    #credentials;
    #exchange = new Exchange();
    #backoff;
    #status = "idle";
    #notBefore = 0;
    #lastDial = 0;
    #clockAhead = 0;
    #tickTimer;
    #dialTimer;
    #moveTimer;
    #unwake;
    constructor(options) {
        this.hub = options.hub;
        this.#carriers = new Carriers(options, {
            mark: () => this.#exchange.mark(),
            hello: (fallback) => this.#credentials.hello(this.#exchange.core.received, fallback),
            taken: () => this.#exchange.core.received,
            welcome: (welcome, mark) => this.#welcome(welcome, mark),
            up: (welcome, mark, moved) => this.#up(welcome, mark, moved),
            message: (raw) => this.#read(raw),
            alive: () => this.#alive(),
            failed: (error) => this.#fail(error),
            closed: (code) => this.#lost(1000, "", code),
        });
        this.#credentials = new Credentials(options);
        this.#backoff = new Backoff(options.random);
    }
    /** Where the link stands. */
    get status() {
        return this.#status;
    }
    /** By which door the link is up; undefined while it is not. */
    get transport() {
        return this.#carriers.door;
    }
    /** Why that is not the WebSocket. */
    get fallback() {
        return this.#carriers.fallback;
    }
    /** The hub's clock in milliseconds, as far as its last welcome told. */
    get hubNow() {
        return Date.now() + this.#clockAhead;
    }
    /** Opens the first socket at once. Does nothing when started already. */
    start() {
        if (this.#status !== "idle" && this.#status !== "stopped")
            return;
        this.#unwake ??= onWake({
            woke: () => this.#wake(),
            moved: () => this.#moved(),
            offline: () => this.#askLife(),
        });
        this.#backoff.reset();
        this.#credentials.begin();
        this.#dial();
    }
    /** Says bye, which ends the link's sessions on the hub, and closes the socket. */
    stop() {
        if (this.#status === "up")
            this.#post(this.#exchange.queue({ message: { type: "bye", data: undefined } }));
        this.#drop(1000, "bye");
        this.#credentials.forget();
        this.#unwake?.();
        this.#unwake = undefined;
        this.#status = "idle";
    }
    /** Uses another token from the next socket on. A link that was stopped starts again. */
    setToken(token) {
        this.#credentials.setToken(token);
        if (this.#status === "stopped")
            this.start();
    }
    /** Leaves the socket and comes back as a new link, with the token it has now. */
    renew() {
        if (this.#status !== "up" && this.#status !== "connecting")
            return;
        this.#credentials.forget();
        this.#drop(1000, "renew");
        this.#dial();
    }
    /** Sends a message, now or when the link is up again. */
    post(draft) {
        this.#post(this.#exchange.queue({ message: draft }));
    }
    /** Ends a session on the hub, which the owner proves to be ours should the link have to start anew before it knows. */
    close(session, reason, owner) {
        const proof = { type: "sync", session, data: { revision: 0, owner } };
        this.#post(this.#exchange.queue({ message: { type: "close", session, data: { reason } }, proof }));
    }
    /** Sends a request; the answer comes once, before anything else that the hub sends after it. */
    request(draft, answer) {
        this.#post(this.#exchange.request(draft, answer));
    }
    /** Hands a session its messages until the returned function is called. */
    hold(holder) {
        return this.#exchange.hold(holder);
    }
    #dial() {
        clearTimeout(this.#dialTimer);
        this.#status = "connecting";
        this.#lastDial = Date.now();
        this.#carriers.dial();
    }
    /** Brings the link into line with what the hub has of it. */
    #welcome(welcome, mark) {
        const now = Date.now();
        this.#credentials.check(welcome);
        if (welcome.resumed)
            this.#exchange.resume(welcome.received, mark, now);
        else
            this.#exchange.restart(now, welcome.grant);
        this.#credentials.keep(welcome);
    }
    /** Lets everybody say what they have to on a new carrier, and says something in any case. */
    #up(welcome, mark, moved) {
        const now = Date.now();
        this.#status = "up";
        this.#notBefore = 0;
        this.#clockAhead = Date.parse(welcome.now) - now;
        if (moved)
            this.#lastDial = now;
        const ping = welcome.ping_s * 1000;
        // On the long poll the poll is the sign of life.
        this.#exchange.setPing(ping, this.transport === "long_poll" ? ping : TIMES.pingBusy);
        const told = moved && welcome.resumed && this.#exchange.usedGrant(mark) ? withoutGrant(welcome) : welcome;
        const { held } = this.#exchange;
        this.events.emit("up", told);
        for (const holder of held)
            holder.linkUp(told);
        if (welcome.resumed)
            this.#exchange.affirm();
        else
            this.#exchange.repair(held);
        this.#flush();
    }
    #alive() {
        if (this.#status !== "up")
            return;
        this.#exchange.core.alive(Date.now());
        this.#flush();
    }
    #read(raw) {
        const now = Date.now();
        try {
            this.#exchange.receive(decode(raw), now, (message) => this.#handle(message));
        }
        catch (error) {
            if (error instanceof UnknownType)
                this.#post(this.#exchange.refuse(error, now));
            else if (error instanceof ProtocolError)
                this.#fail(error);
            else
                throw error;
        }
        this.#flush();
    }
    #handle(message) {
        if (message.type === "goaway")
            this.#goaway(message.data);
        else if (message.type === "error")
            this.#blame(message);
        else
            this.events.emit("message", message);
    }
    /** Notes what is wrong with the link itself; an error that names a session is only about a message of it. */
    #blame({ session, data }) {
        if (session === undefined && this.#carriers.live)
            this.#carriers.live.fault = ProtocolError.from(data);
    }
    /** Keeps the hub's slot: to go to another host beside this one, or to come back once the hub has closed. */
    #goaway({ after_ms, hosts = [] }) {
        this.#notBefore = Date.now() + after_ms;
        clearTimeout(this.#moveTimer);
        if (hosts.length > 0)
            this.#moveTimer = setTimeout(() => this.#carriers.depart(hosts), after_ms);
    }
    /** Writes what waits; what is not undefined says why the link has to start anew instead. */
    #post(full) {
        if (full) {
            this.#credentials.forget();
            if (this.#carriers.live)
                this.#fail(full);
        }
        this.#flush();
    }
    #flush() {
        if (this.#status !== "up")
            return;
        const now = Date.now();
        for (let message = this.#exchange.next(now); message; message = this.#exchange.next(now)) {
            this.#carriers.live?.send(encode(message));
        }
        clearTimeout(this.#tickTimer);
        this.#tickTimer = setTimeout(() => this.#tick(), Math.max(0, this.#exchange.core.due - now));
    }
    #tick() {
        const now = Date.now();
        const { core } = this.#exchange;
        if (now - core.due >= slept)
            core.probe(now);
        try {
            core.tick(now);
        }
        catch (error) {
            if (!(error instanceof ProtocolError))
                throw error;
            this.#fail(error);
        }
        this.#flush();
    }
    #fail(error) {
        const silent = error.code === "timeout";
        if (!silent)
            this.#credentials.forget();
        this.#lost(closeFor(error.code), error.code, silent || !this.#carriers.door ? abnormal : CLOSE.goingAway);
    }
    #drop(code, reason) {
        for (const timer of [this.#tickTimer, this.#dialTimer, this.#moveTimer])
            clearTimeout(timer);
        this.#dialTimer = undefined;
        this.#carriers.drop(code, reason);
    }
    /** Leaves the carrier and comes back, unless the hub's close code says not to. */
    #lost(code, reason, hubs = CLOSE.goingAway) {
        const now = Date.now();
        const { upSince, fault } = this.#carriers.live ?? {};
        const up = upSince !== undefined;
        const other = this.#carriers.judge(hubs);
        this.#drop(code, reason);
        if (up)
            this.#backoff.lived(now - upSince);
        this.#status = "down";
        if (!mayReconnect(hubs)) {
            void this.#ask(fault ?? new ProtocolError(codeOf(hubs), `the hub closed the link with ${hubs}`));
            return;
        }
        // The hub has spread its clients already.
        const slot = up && now < this.#notBefore;
        this.#notBefore = Math.max(this.#notBefore, now + (fault?.retryMs ?? 0));
        // A socket that did not outlive the sleep of its page is replaced at once.
        const woke = up && this.#exchange.core.probing && now - this.#lastDial >= wakeEvery;
        this.#again(woke || other || slot ? 0 : this.#backoff.next());
    }
    #again(wait) {
        const retryMs = Math.max(wait, this.#notBefore - Date.now());
        this.#dialTimer = setTimeout(() => this.#dial(), retryMs);
        this.events.emit("down", { retryMs });
    }
    /** Asks for another token after a refusal; without one, or when that is refused too, the link stops. */
    async #ask(why) {
        const renewed = await this.#credentials.renew(why);
        if (this.#status !== "down")
            return;
        if (renewed)
            this.#again(this.#backoff.next());
        else {
            this.#status = "stopped";
            this.events.emit("stopped", why);
        }
    }
    /** Makes sure of the socket, or replaces the wait for the next one. */
    #wake() {
        const now = Date.now();
        const waits = this.#status === "down" && this.#dialTimer && now - this.#lastDial >= wakeEvery;
        const hangs = this.#status === "connecting" && now - this.#lastDial >= slowDial;
        if (hangs)
            this.#drop(1000, "woke");
        if (hangs || (waits && now >= this.#notBefore))
            this.#dial();
        else
            this.#askLife();
    }
    #moved() {
        this.#carriers.moved();
        for (const holder of this.#exchange.held)
            holder.moved?.();
    }
    #askLife() {
        if (this.#status !== "up")
            return;
        this.#exchange.core.probe(Date.now());
        this.#tick();
    }
}
/** A welcome whose grant may have been used since it was written. */
function withoutGrant(welcome) {
    const { grant: _, ice_servers: __, ...rest } = welcome;
    return rest;
}
//# sourceMappingURL=link.js.map