import { Networks, networkOf } from "../link/networks.js";
import { readCandidate } from "./candidates.js";
import { isRelay, overUDP } from "./servers.js";
/**
 * For how long it is remembered how a camera was reached from a network (milliseconds), and of how many pairs. A wrong
 * memory costs an allocation, none at all costs the relay delay: so once an hour is often enough.
 */
const term = 60 * 60_000;
const most = 64;
/** Without an answer nothing is tried, so of the delay this share is left to the time after it. */
const shareAfterAnswer = 0.5;
/** A relay that is reached over UDP says so in two round trips; one that has not by then is asked over TCP (milliseconds). */
const udpWithin = 750;
/**
 * Decides when a viewer gathers relays, and which: at once, after the direct path had its time, or never; over UDP alone
 * where that gets through. A browser allocates on each URL that it has, from the start, and gives up early on what takes
 * longer, such as ICE-TCP.
 */
export class Relays {
    #options;
    #memory = new Networks({ place: "sightline:relays", term, most, valid });
    #servers = [];
    #path = "prefer_direct";
    #delay = 0;
    #stage = "none";
    #connected = false;
    /** Whether there was a way on this network: from then on it is the recovery that decides. */
    #everConnected = false;
    /** Whether a server answered over UDP, on this network, and whether a relay gave an address for what is gathered. */
    #udp = false;
    #found = false;
    /** Whether the direct path had its time on this network, in vain so far. */
    #triedDirect = false;
    #begun = 0;
    /** Since when the present stage is gathered. */
    #since = 0;
    #answered;
    #timer;
    constructor(options) {
        this.#options = options;
    }
    /** Begins with what welcome said of the policy. Gathering follows. */
    begin({ path, relay_delay_ms }, servers) {
        this.#path = path;
        this.#delay = relay_delay_ms;
        this.#servers = servers;
        this.#begun = Date.now();
        const known = this.#memory.recall(this.#pair);
        if (known)
            this.#udp = known.udp;
        if (this.#relayOnly)
            this.#stage = this.#staged(known?.udp ?? true);
        else if (this.#delay === 0 || known?.needed)
            this.#stage = this.#staged(this.#udp);
        this.#since = this.#begun;
        this.#plan();
    }
    /** Uses other servers. */
    use(servers) {
        this.#servers = servers;
    }
    /** Follows a policy that has changed; true when what was gathered so far is too much for it, or too little. */
    follow({ path, relay_delay_ms }) {
        const before = this.#path;
        this.#path = path;
        this.#delay = relay_delay_ms;
        this.#plan();
        if (path === before || this.#options.relayOnly)
            return false;
        return path !== "prefer_direct" || before === "relay_only" || !this.#connected;
    }
    /** Notes an answer: from now on checks are made. */
    answered() {
        this.#answered ??= Date.now();
        this.#plan();
    }
    /** Notes whether there is a way. */
    connected(connected) {
        this.#connected = connected;
        this.#everConnected ||= connected;
        this.#plan();
    }
    /** Takes a candidate of the viewer's own. */
    gathered(line) {
        const { type, protocol } = readCandidate(line) ?? {};
        if (type === "srflx" && protocol === "udp")
            this.#udp = true;
        else if (type === "relay") {
            this.#found = true;
            this.#plan();
        }
    }
    /** Lets relays take part from now on, or more of them, as far as the policy does. Gathering anew follows. */
    join() {
        if (this.#stage === "none") {
            if (!this.#everConnected && this.#answered !== undefined)
                this.#triedDirect = true;
            this.#stage = this.#staged(this.#udp);
        }
        else if (!this.#found)
            this.#stage = "all";
        this.#found = false;
        this.#since = Date.now();
        this.#plan();
    }
    /** Notes which path was found, for the next look at this camera from this network. */
    took({ kind, protocol }) {
        const udp = protocol === "udp";
        if (kind === "direct")
            this.#memory.forget(this.#pair);
        else if (this.#triedDirect)
            this.#memory.remember(this.#pair, { needed: true, udp });
        else if (!udp && !this.#memory.recall(this.#pair))
            this.#memory.remember(this.#pair, { needed: false, udp });
    }
    /** Forgets what was tried: the network is another one. */
    moved() {
        this.#triedDirect = false;
        this.#udp = false;
        this.#everConnected = false;
        this.#answered = undefined;
        this.#stage = "none";
    }
    /** How to gather now. */
    configuration() {
        const stun = this.#path !== "relay_only";
        const iceServers = this.#servers
            .map((server) => ({ ...server, urls: server.urls.filter((url) => (isRelay(url) ? this.#takes(url) : stun)) }))
            .filter(({ urls }) => urls.length > 0);
        return { bundlePolicy: "max-bundle", iceTransportPolicy: this.#relayOnly ? "relay" : "all", iceServers };
    }
    /** Plans nothing more. */
    stop() {
        clearTimeout(this.#timer);
    }
    /** The network and the camera: whether a relay is needed depends on both ends. */
    get #pair() {
        return `${networkOf(this.#options.hub)} ${this.#options.device}`;
    }
    get #relayOnly() {
        return this.#options.relayOnly || this.#path === "relay_only";
    }
    get #urls() {
        return this.#servers.flatMap(({ urls }) => urls).filter(isRelay);
    }
    /** With which relays to begin: over TCP as well, unless UDP may be trusted to get through. */
    #staged(udp) {
        return udp && this.#urls.some(overUDP) ? "udp" : "all";
    }
    #takes(url) {
        if (this.#path === "direct_only")
            return false;
        return this.#stage === "all" || (this.#stage === "udp" && overUDP(url));
    }
    #plan() {
        this.stop();
        if (this.#connected || this.#urls.length === 0)
            return;
        if (this.#stage === "none")
            this.#planDirect();
        else if (this.#stage === "udp" && !this.#found && this.#path !== "direct_only")
            this.#wait(this.#since + udpWithin);
    }
    #planDirect() {
        if (this.#path !== "prefer_direct" || this.#answered === undefined || this.#everConnected)
            return;
        this.#wait(Math.max(this.#begun + this.#delay, this.#answered + this.#delay * shareAfterAnswer));
    }
    #wait(until) {
        this.#timer = setTimeout(() => this.#options.due(), Math.max(0, until - Date.now()));
    }
}
function valid({ needed, udp }) {
    return typeof needed === "boolean" && typeof udp === "boolean";
}
//# sourceMappingURL=relays.js.map