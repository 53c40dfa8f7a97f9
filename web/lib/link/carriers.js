import { CLOSE } from "../protocol/close.js";
import { Carrier } from "./carrier.js";
import { Departure } from "./departure.js";
import { longPoll } from "./longpoll.js";
import { FALLBACK_TIMES, FallbackPolicy } from "./policy.js";
import { webSocket } from "./websocket.js";
/** Closed without a close frame, as the browser tells it (RFC 6455 section 7.4.1). */
const noFrame = [1005, 1006];
const bothDoors = { websocket: webSocket, long_poll: longPoll() };
/**
 * The carriers of a link: the live one, and now and then a second beside it, which takes its place once it is welcome.
 * A second that is not welcome changes nothing.
 */
export class Carriers {
    /** The hub that the link was told, and the host of it that the link is on. */
    #home;
    #hub;
    #doors;
    #times;
    #policy;
    #events;
    #random;
    #live;
    #second;
    #fallback;
    #probeTimer;
    #departure;
    constructor({ hub, doors = bothDoors, fallback, random }, events) {
        this.#home = hub;
        this.#hub = hub;
        this.#random = random;
        this.#doors = doors;
        this.#times = { ...FALLBACK_TIMES, ...fallback };
        this.#policy = new FallbackPolicy(hub, Object.keys(doors), this.#times);
        this.#events = events;
    }
    /** The one that carries the messages, or is to. */
    get live() {
        return this.#live;
    }
    /** By which door the link is up; undefined while it is not. */
    get door() {
        return this.#live?.upSince === undefined ? undefined : this.#live.door;
    }
    /** Why that is not the WebSocket. */
    get fallback() {
        return this.door && this.#fallback;
    }
    /** Opens the one carrier, by the door that is next. */
    dial() {
        this.#live = this.#open(this.#policy.door);
    }
    /** Opens a second carrier beside the live one. One at a time. */
    openSecond(door) {
        if (this.door)
            this.#second ??= this.#open(door);
    }
    /** Goes to one of these hosts beside the live carrier, which stays for as long as none of them says welcome. */
    depart(hosts) {
        this.#departure?.cancel();
        this.#departure = new Departure(this.#home, hosts, this.#random, (hub) => {
            if (!this.#live || !this.door)
                return;
            this.#second?.close(1000, "");
            this.#second = this.#open(this.#live.door, hub);
        });
        this.#departure.next();
    }
    /** The network is another one. */
    moved() {
        this.#policy.moved(this.door !== undefined);
        if (this.door === "long_poll")
            this.openSecond("websocket");
    }
    /** Ends all of them. */
    drop(code, reason) {
        clearTimeout(this.#probeTimer);
        this.#stay();
        this.#second?.close(1000, "");
        this.#second = undefined;
        this.#live?.close(code, reason);
        this.#live = undefined;
    }
    /** Learns from the end of the live carrier, and says whether another door is to be tried at once. */
    judge(code) {
        if (!this.#live)
            return false;
        const { door, opened, upSince, fault } = this.#live;
        const byHub = !noFrame.includes(code);
        if (upSince !== undefined)
            return this.#policy.lost(door, Date.now() - upSince, byHub);
        this.#hub = this.#home;
        if (!fault && (!byHub || code < 4000))
            return this.#policy.failed(door, opened);
        if (fault?.code === "rate_limited")
            this.#policy.refused(door);
        return false;
    }
    /** Goes to no other host any more. */
    #stay() {
        this.#departure?.cancel();
        this.#departure = undefined;
    }
    #open(door, hub = this.#hub) {
        const events = this.#events;
        const carrier = new Carrier({
            door,
            connect: this.#doors[door],
            hub,
            mark: () => events.mark(),
            hello: () => events.hello(door === "long_poll" ? this.#policy.fallback : undefined),
            within: this.#times.hello,
        }, {
            welcome: (welcome) => this.#welcome(carrier, welcome),
            message: (raw) => {
                if (carrier === this.#live)
                    events.message(raw);
            },
            alive: () => {
                if (carrier === this.#live)
                    events.alive();
            },
            taken: () => events.taken(),
            failed: (error) => (carrier === this.#second ? this.#dropSecond() : events.failed(error)),
            closed: (code) => (carrier === this.#second ? this.#dropSecond() : events.closed(code)),
        });
        return carrier;
    }
    #welcome(carrier, welcome) {
        this.#events.welcome(welcome, carrier.mark);
        const before = carrier === this.#second ? this.#live : undefined;
        if (before) {
            this.#live = carrier;
            this.#second = undefined;
            if (before.door !== carrier.door)
                this.#policy.probeWelcome();
        }
        if (this.#hub !== carrier.hub)
            this.#stay();
        this.#hub = carrier.hub;
        this.#policy.welcome(carrier.door);
        this.#fallback = this.#policy.fallback;
        this.#events.up(welcome, carrier.mark, before !== undefined);
        // From the first message on, the hub is with the new carrier: what the old one still brings comes again on it.
        before?.close(CLOSE.goingAway, "moved");
        this.#lookForWebSocket();
    }
    /** Tries a WebSocket beside the long poll when its time has come. */
    #lookForWebSocket() {
        clearTimeout(this.#probeTimer);
        const after = this.door === "long_poll" ? this.#policy.probeAfter : undefined;
        if (after !== undefined)
            this.#probeTimer = setTimeout(() => this.openSecond("websocket"), after);
    }
    #dropSecond() {
        const departed = this.#second?.hub !== this.#hub;
        this.#second?.close(1000, "");
        this.#second = undefined;
        if (departed) {
            this.#departure?.later();
            return;
        }
        this.#policy.probeFailed();
        this.#lookForWebSocket();
    }
}
//# sourceMappingURL=carriers.js.map