import { LIMITS } from "../protocol/limits.js";
import { permitted, placeOf, readCandidate, withPermitted } from "./candidates.js";
import { Origins } from "./origins.js";
/**
 * Offers, answers and candidates of one peer connection. Only the viewer offers; every offer has a revision, an answer
 * bears that of its offer, and whatever belongs to another revision is dropped.
 */
export class Negotiation {
    /** How the device came by its candidates. */
    origins = new Origins();
    /** The types of the device's candidates, of the newest answer and after it. */
    remoteTypes = new Set();
    #peer;
    #out;
    #first;
    #path = "prefer_direct";
    #revision = 1;
    #offer;
    /** Whether the answer to the current revision was taken, and whether it is in place. */
    #answer = "none";
    /** This end's candidates of the current revision, for sync. */
    #local = [];
    #ended = false;
    /** When each offer without an answer was made, by revision. */
    #offered = new Map();
    /** The other end's, of the current revision; those that came before the answer wait in it. */
    #remote = [];
    /** Begins with the first offer at once: it needs no servers, only time. */
    constructor(peer, out) {
        this.#peer = peer;
        this.#out = out;
        this.#first = peer.createOffer();
        peer.onicecandidate = ({ candidate }) => this.#gathered(candidate);
    }
    /** The revision of the newest offer. */
    get revision() {
        return this.#revision;
    }
    /** Whether the newest offer was answered. */
    get answered() {
        return this.#answer !== "none";
    }
    /** Signals and uses from now on only what a policy permits; what is in use already takes a restart. */
    permit(path) {
        this.#path = path;
    }
    /** The first offer, to be sent with open. */
    async first() {
        this.#offer = await this.#first;
        this.#offered.set(this.#revision, Date.now());
        return { revision: this.#revision, sdp: this.#offer.sdp ?? "" };
    }
    /** Starts gathering for the first offer; call it when open is on its way. */
    async begin() {
        await this.#peer.setLocalDescription(await this.#first);
    }
    /** Offers again with new ICE credentials (RFC 8445 section 2.4): the next revision. */
    async restart() {
        const offer = await this.#peer.createOffer({ iceRestart: true });
        this.#revision++;
        this.#offer = offer;
        this.#offered.set(this.#revision, Date.now());
        this.#answer = "none";
        this.#local = [];
        this.#remote = [];
        this.#ended = false;
        this.#out.describe({ revision: this.#revision, kind: "offer", sdp: offer.sdp ?? "" });
        await this.#peer.setLocalDescription(offer);
    }
    /** How many milliseconds the first answer to an offer took that comes now; undefined for any other. */
    took(revision) {
        const at = this.#offered.get(revision);
        for (const older of this.#offered.keys()) {
            if (older <= revision)
                this.#offered.delete(older);
        }
        return at === undefined ? undefined : Date.now() - at;
    }
    /** Takes an answer. One of another revision, or a second one, is dropped. */
    async answer({ revision, sdp, origins = [] }) {
        if (revision !== this.#revision || this.#answer !== "none" || !sdp)
            return;
        this.#answer = "taken";
        this.remoteTypes.clear();
        for (const line of sdp.split("\r\n"))
            this.#note(line);
        for (const { candidate } of this.#remote)
            this.#note(candidate);
        for (const { address, means } of origins)
            this.origins.learn(address, means);
        await this.#peer.setRemoteDescription({ type: "answer", sdp: withPermitted(sdp, this.#path) });
        if (revision !== this.#revision)
            return;
        this.#answer = "set";
        await Promise.all(this.#remote.map((candidate) => this.#add(candidate)));
    }
    /** Takes a candidate of the other end, before or after its description. One that is known already is dropped. */
    candidate(candidate) {
        if (candidate.revision !== this.#revision || this.#remote.length >= LIMITS.pendingPerSession)
            return;
        if (!permitted(candidate.candidate, this.#path))
            return;
        if (this.#remote.some((known) => sameCandidate(known, candidate)))
            return;
        this.#remote.push(candidate);
        const line = this.#note(candidate.candidate);
        if (line && candidate.means)
            this.origins.learn(placeOf(line.address, line.port), candidate.means);
        if (this.#answer === "set")
            void this.#add(candidate);
    }
    /** This end's side of a sync. */
    state() {
        const state = { revision: this.#revision };
        if (this.#offer?.sdp) {
            state.description = { revision: this.#revision, kind: "offer", sdp: this.#offer.sdp };
        }
        if (this.#local.length > 0)
            state.candidates = this.#local;
        return state;
    }
    #note(line) {
        const candidate = readCandidate(line);
        if (candidate)
            this.remoteTypes.add(candidate.type);
        return candidate;
    }
    async #add({ candidate, mid, mline, ufrag }) {
        try {
            await this.#peer.addIceCandidate({
                candidate,
                sdpMid: mid ?? null,
                sdpMLineIndex: mline,
                usernameFragment: ufrag ?? null,
            });
        }
        catch {
            // A candidate that this browser cannot use (a transport it lacks) is one way less, not a fault.
        }
    }
    #gathered(found) {
        const ufrag = found?.usernameFragment;
        // A late candidate of an offer that a restart has replaced.
        if (ufrag && !this.#offer?.sdp?.includes(`a=ice-ufrag:${ufrag}\r\n`))
            return;
        if (found)
            this.#out.gathered(found);
        if (found && !permitted(found.candidate, this.#path))
            return;
        const end = !found?.candidate;
        if (end && (this.#ended || this.#peer.iceGatheringState !== "complete"))
            return;
        this.#ended ||= end;
        const candidate = {
            revision: this.#revision,
            candidate: found?.candidate ?? "",
            mline: found?.sdpMLineIndex ?? 0,
        };
        if (found?.sdpMid)
            candidate.mid = found.sdpMid;
        if (ufrag)
            candidate.ufrag = ufrag;
        if (this.#local.length < LIMITS.syncCandidates)
            this.#local.push(candidate);
        this.#out.candidate(candidate);
    }
}
function sameCandidate(a, b) {
    return a.candidate === b.candidate && a.mid === b.mid && a.mline === b.mline;
}
//# sourceMappingURL=negotiation.js.map