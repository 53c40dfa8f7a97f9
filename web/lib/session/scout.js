import { placeOf, readCandidate } from "./candidates.js";
import { isGlobal6, isPublic4, stunPlaces, takesUDP } from "./servers.js";
/** Ports of a NAT that counts up differ by little: by chance two of 64,000 do so once in two thousand times. */
const mostStep = 16;
/**
 * A browser that has a pair stops to gather, and may say so before it says that it is connected. So long after the one the
 * other is sure to have come (milliseconds).
 */
const settles = 50;
/** What a browser has gathered in one go: its sockets are others in the next. */
class Generation {
    servers;
    hosts = [];
    /** Seen from outside, over UDP. */
    mapped = [];
    /** The protocols to the relays that gave a candidate. */
    relays = new Set();
    /** Whether a server did not answer. */
    failed = false;
    /** Whether gathering came to its end: a browser stops once a pair works. */
    whole = false;
    constructor(servers) {
        this.servers = servers;
    }
    /** Takes candidates of one socket together. Where browsers hide the base, the foundation tells it apart. */
    byBase() {
        const alone = this.hosts.filter(({ protocol }) => protocol === "udp").length === 1;
        const groups = new Map();
        for (const candidate of this.mapped) {
            const { basePort, foundation, component } = candidate;
            const base = `${component} ${basePort || (alone ? "" : foundation)} ${candidate.address.includes(":")}`;
            groups.set(base, [...(groups.get(base) ?? []), candidate]);
        }
        return [...groups.values()];
    }
}
/**
 * Learns from what its browser gathers which network a viewer is in. A browser tells little, so much stays unknown: what
 * is told is certain.
 */
export class Scout {
    #changed;
    #generation = new Generation([]);
    #known = {};
    /** Whether any STUN server has answered. */
    #heard = false;
    #settle;
    /** changed is called with all that is known whenever that grows. */
    constructor(changed) {
        this.#changed = changed;
    }
    /** What is known; empty for nothing. */
    get network() {
        return this.#known;
    }
    /** Watches a peer connection's gathering, but for its candidates. */
    watch(peer) {
        peer.onicecandidateerror = ({ url }) => {
            if (/^stun:/i.test(url))
                this.missed();
        };
        peer.onicegatheringstatechange = () => {
            clearTimeout(this.#settle);
            if (peer.iceGatheringState !== "complete")
                return;
            this.#settle = setTimeout(() => {
                // What comes before the first host belongs to an earlier generation.
                if (this.#generation.hosts.length > 0 && ["new", "checking"].includes(peer.iceConnectionState))
                    this.end();
            }, settles);
        };
    }
    /** A server has not answered. */
    missed() {
        this.#generation.failed = true;
    }
    /** Gathering came to its end: whoever has not answered does not. */
    end() {
        this.#generation.whole = true;
        this.#learn();
    }
    /** Learns no more. */
    stop() {
        clearTimeout(this.#settle);
    }
    /** A browser gathers anew, with these servers. */
    begin(servers = []) {
        this.stop();
        this.#generation = new Generation(servers);
    }
    /** The network is another one: nothing is known of it. */
    moved() {
        this.#known = {};
        this.#heard = false;
        this.begin();
    }
    /** Takes a candidate of the viewer's own. */
    found({ candidate: line, relayProtocol }) {
        const candidate = readCandidate(line);
        const { hosts, mapped, relays } = this.#generation;
        if (candidate?.type === "host")
            hosts.push(candidate);
        else if (candidate?.type === "srflx" && candidate.protocol === "udp") {
            mapped.push(candidate);
            this.#heard = true;
        }
        else if (candidate?.type === "relay" && relayProtocol)
            relays.add(relayProtocol);
        else
            return;
        this.#learn();
    }
    /** Takes a path: a relay over TCP, though it can be had over UDP, tells that UDP did not get through. */
    path({ local, protocol }) {
        const { servers, relays } = this.#generation;
        if (local !== "relay" || protocol === "udp" || this.#heard)
            return;
        if (servers.some(takesUDP) && !relays.has("udp"))
            this.#tell({ ...this.#known, udp_blocked: true });
    }
    #learn() {
        const generation = this.#generation;
        const { mapped, hosts } = generation;
        const network = { ...this.#known };
        if (this.#heard)
            delete network.udp_blocked;
        if ([...mapped, ...hosts].some(({ address }) => isGlobal6(address)))
            network.ipv6 = true;
        if (hosts.some(({ address }) => isPublic4(address) && this.#seenAs(address)))
            network.public = true;
        Object.assign(network, mappingOf(generation));
        if (!this.#heard && unheard(generation))
            network.udp_blocked = true;
        this.#tell(network);
    }
    /** Whether an address of the viewer's own is that which is seen outside. Browsers leave out what is the same. */
    #seenAs(address) {
        const { mapped, servers, whole, failed } = this.#generation;
        if (mapped.length > 0)
            return mapped.some((outside) => outside.address === address);
        return whole && !failed && stunPlaces(servers).length > 0;
    }
    #tell(network) {
        if (JSON.stringify(network) === JSON.stringify(this.#known))
            return;
        this.#known = network;
        this.#changed(network);
    }
}
/**
 * Whether servers were asked over UDP, and none was heard. Where the viewer's address is not hidden by a name this cannot be
 * said: a browser leaves out what it is told if that is the same.
 */
function unheard({ whole, servers, hosts, mapped, relays }) {
    const asked = stunPlaces(servers).some(({ host }) => !host.includes(":"));
    const udp = hosts.filter(({ protocol }) => protocol === "udp");
    const hidden = udp.every(({ address }) => address.endsWith(".local"));
    return whole && asked && hidden && mapped.length === 0 && !relays.has("udp");
}
/** How a NAT maps the viewer's sockets (RFC 4787 section 4.1), as far as one generation tells. */
function mappingOf(generation) {
    const groups = generation.byBase().filter(([first]) => first && !first.address.includes(":"));
    if (groups.length === 0)
        return {};
    const places = stunPlaces(generation.servers).filter(({ host }) => !host.includes(":"));
    const spread = groups.find((group) => new Set(group.map(({ address, port }) => placeOf(address, port))).size > 1);
    if (spread) {
        const alone = new Set(places.map(({ host }) => host)).size < 2;
        const mapping = alone ? "address_and_port_dependent" : "address_dependent";
        const step = stepOf(spread.map(({ port }) => port));
        return step === 0 ? { mapping } : { mapping, port_step: step };
    }
    const ports = new Set(generation.hosts.filter(({ protocol }) => protocol === "udp").map(({ port }) => port));
    const kept = groups.every((group) => group.every(({ port, basePort }) => (basePort || port) === port && ports.has(port)));
    const told = kept ? { port_preserved: true } : {};
    // Browsers leave out what several servers say alike; that they were all asked is certain at the end alone.
    if (generation.whole && !generation.failed && differ(places))
        told.mapping = "endpoint_independent";
    return told;
}
/** Whether two servers are certainly not one: a name may stand for the address of another. */
function differ(places) {
    return places.some((a) => places.some((b) => a.port !== b.port || (a.host !== b.host && isAddress(a.host) && isAddress(b.host))));
}
function isAddress(host) {
    return /^[0-9.]+$/.test(host);
}
/** What a NAT adds from one mapping to the next; 0 if there is no pattern. */
function stepOf(ports) {
    const sorted = [...new Set(ports)].sort((a, b) => a - b);
    const steps = sorted.slice(1).map((port, i) => port - (sorted[i] ?? port));
    return steps.length > 0 && Math.max(...steps) <= mostStep ? Math.min(...steps) : 0;
}
//# sourceMappingURL=scout.js.map