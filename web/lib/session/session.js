import { Emitter } from "../emitter.js";
import { ProtocolError } from "../protocol/error.js";
import { ControlChannel } from "./control.js";
import { Lease } from "./lease.js";
import { Meter } from "./meter.js";
import { Negotiation } from "./negotiation.js";
import { Paths } from "./paths.js";
import { makePeer, onPair } from "./peer.js";
import { statsOf } from "./quality.js";
import { owner, sessionID } from "./random.js";
import { Recovery } from "./recovery.js";
import { Relays } from "./relays.js";
import { Speech } from "./speech.js";
/** How long an opened session may wait for the device's answer: a camera that is there answers in a second. */
const answerWithin = 15_000;
/** What holds for a session whose policy is not known when it opens. */
const untold = { path: "prefer_direct", relay_delay_ms: 0 };
/**
 * One viewer looking at one device: one peer connection, from its first offer to its end. A session lives once; whoever
 * wants to look again makes another. The loss of the link never touches a picture that flows.
 */
export class Session {
    id = sessionID();
    events = new Emitter();
    stream = new MediaStream();
    /** What is asked of the device itself. */
    control;
    /** The viewer's own sound; undefined where that may not be. */
    speech;
    #link;
    #options;
    #owner = owner();
    #peer;
    #negotiation;
    #meter;
    #recovery;
    #relays;
    #paths;
    #lease;
    #pairChanged = () => this.#meter.changed();
    #release;
    #answerTimer;
    /** The grant that the newest open names, until the session is opened; from then on the hub renews it by itself. */
    #grant;
    #asked = "not yet";
    #policy;
    #restartWanted = false;
    #over = false;
    /** Makes the peer connection, whose certificate and first offer are then ready when the link is. */
    constructor(link, options) {
        this.#link = link;
        this.#options = options;
        const { audio = false, talk = false, relayOnly = false } = options;
        const { peer, mouth } = makePeer({ audio, talk, relayOnly });
        this.#peer = peer;
        this.control = new ControlChannel(peer, {
            open: () => this.events.emit("listening", true),
            status: (camera) => this.events.emit("camera", camera),
            closed: () => this.events.emit("camera", undefined),
        });
        this.speech = mouth && new Speech(mouth, this.control);
        this.#negotiation = new Negotiation(this.#peer, {
            describe: (data) => {
                this.#paths.scout.begin(this.#relays.configuration().iceServers);
                this.#post({ type: "describe", session: this.id, data });
            },
            candidate: (data) => this.#post({ type: "candidate", session: this.id, data }),
            gathered: (candidate) => {
                this.#relays.gathered(candidate.candidate);
                this.#paths.scout.found(candidate);
            },
        });
        this.#paths = new Paths({
            relayOnly,
            remoteTypes: this.#negotiation.remoteTypes,
            network: () => this.#tellNetwork(),
            spent: () => this.close("quota"),
        });
        this.#meter = new Meter(this.#peer, this.#negotiation.origins, {
            quality: (quality) => this.events.emit("quality", quality),
            path: (path) => this.#tellPath(path),
            flowing: (flowing) => this.events.emit("flowing", flowing),
            report: (quality) => this.#post({ type: "stats", session: this.id, data: statsOf(quality) }),
        });
        this.#recovery = new Recovery({
            restart: () => this.#restart(),
            failed: () => this.#noWay(),
        });
        this.#relays = new Relays({
            hub: link.hub,
            device: options.device,
            relayOnly,
            due: () => this.#recovery.now(),
        });
        this.#lease = new Lease({ due: () => void this.#extend(), expired: () => this.close("expired") });
        this.#paths.scout.watch(this.#peer);
        this.#peer.oniceconnectionstatechange = () => this.#ice();
        this.#peer.ontrack = ({ track }) => {
            this.stream.addTrack(track);
            this.events.emit("stream", this.stream);
        };
    }
    /** Whether media has a way now. */
    get connected() {
        return this.#peer.iceConnectionState === "connected" || this.#peer.iceConnectionState === "completed";
    }
    /** What is known of the path; undefined before there is one. */
    get pathDetails() {
        return this.#paths.details;
    }
    /**
     * Asks for the session with the servers and the grant to gather with, and gathers. gathering is what the hub has told
     * of the session's policy beforehand.
     */
    async open(servers, grant, gathering = untold) {
        const offer = await this.#negotiation.first();
        if (this.#over)
            return;
        this.#relays.begin(gathering, servers);
        this.#negotiation.permit(gathering.path);
        this.#configure();
        this.#paths.scout.begin(this.#relays.configuration().iceServers);
        const media = { video: true };
        if (this.#options.audio)
            media.audio = true;
        if (this.#options.talk)
            media.talk = true;
        const open = { device: this.#options.device, owner: this.#owner, media, offer, trickle: true };
        if (grant !== undefined)
            open.grant = grant;
        this.#grant = grant;
        this.#asked = "waits";
        this.#meter.begin();
        this.#release = this.#link.hold(this);
        this.#link.request({ type: "open", session: this.id, data: open }, (answer) => this.#opened(answer));
        await this.#negotiation.begin().catch(() => this.close("internal"));
    }
    /** Ends the session here and on the hub. */
    close(reason) {
        this.#end({ reason }, true);
    }
    /**
     * Brings fresh servers of the grant, which count from the next restart on. Those of another grant are not this
     * session's and are left alone.
     */
    useServers(servers, grant) {
        if (!this.#over && this.#asked === "waits" && grant === this.#grant)
            this.#useServers(servers);
    }
    /** Notes that a frame was shown, which is known sooner than the statistics tell. */
    frameShown() {
        this.#meter.shown();
    }
    /** Takes what the hub says of the session without naming it in a message of its own. */
    hubEnded(reason) {
        this.#end({ reason }, false);
    }
    /** Takes a message of this session. */
    receive(message) {
        switch (message.type) {
            case "describe":
                this.#described(message.data);
                break;
            case "candidate":
                this.#negotiation.candidate(message.data);
                break;
            case "sync":
                this.#synced(message.data);
                break;
            case "policy":
                this.#usePolicy(message.data);
                break;
            case "ice_servers":
                this.#useServers(message.data.ice_servers);
                break;
            case "closed":
                this.hubEnded(message.data.reason);
                break;
        }
    }
    /** This end's state, to repair the hub's. */
    sync() {
        const sync = { ...this.#negotiation.state(), owner: this.#owner };
        if (this.#meter.path)
            sync.path = this.#meter.path;
        if (this.connected)
            sync.ice_connected = true;
        return sync;
    }
    /** Does what had to wait for the link. */
    linkUp({ resumed, grant, ice_servers: servers = [] }) {
        this.#meter.repeat();
        this.#tellNetwork();
        if (this.#asked === "waits") {
            // On a new link open is sent again with the new grant: relays of the old one are gone with it.
            const renewed = !resumed && grant !== this.#grant;
            if (!resumed)
                this.#grant = grant;
            this.useServers(servers, grant);
            if (renewed && !this.connected)
                this.#restartWanted = true;
        }
        if (this.#restartWanted)
            this.#recovery.now();
    }
    /** Restarts ICE at once: the addresses that the other end has are those of another network. */
    moved() {
        if (this.#over)
            return;
        this.#relays.moved();
        this.#paths.scout.moved();
        this.#recovery.moved();
    }
    #opened(answer) {
        if (this.#over)
            return;
        this.#asked = "opened";
        if (answer.type === "error") {
            const error = ProtocolError.from(answer.data);
            this.#end({ reason: error.code, error }, false);
        }
        else if (answer.type === "opened") {
            const opened = answer.data;
            this.#lease.set(Date.parse(opened.expires), this.#link.hubNow);
            this.#awaitAnswer();
            this.#usePolicy(opened.policy);
            this.events.emit("opened", opened);
        }
    }
    #awaitAnswer() {
        clearTimeout(this.#answerTimer);
        this.#answerTimer = setTimeout(() => {
            if (this.#link.status === "up")
                this.close("timeout");
            else
                this.#awaitAnswer();
        }, answerWithin);
    }
    #described(description) {
        if (description.kind === "restart") {
            // A newer offer than the device knew has restarted ICE already.
            if (description.revision >= this.#negotiation.revision)
                this.#recovery.asked();
        }
        else if (description.kind === "answer") {
            const took = this.#negotiation.took(description.revision);
            if (took !== undefined)
                this.#recovery.answered(took);
            if (description.revision === this.#negotiation.revision)
                this.#relays.answered();
            this.#negotiation.answer(description).then(() => onPair(this.#peer, this.#pairChanged), () => this.close("codec"));
            if (this.#negotiation.answered)
                clearTimeout(this.#answerTimer);
        }
    }
    /** Takes what this end lacks, and returns its own unless it was asked not to. */
    #synced(sync) {
        if (sync.description)
            this.#described(sync.description);
        for (const candidate of sync.candidates ?? [])
            this.#negotiation.candidate(candidate);
        if (!sync.answer)
            this.#post({ type: "sync", session: this.id, data: { ...this.sync(), answer: true } });
    }
    #usePolicy(policy) {
        this.#policy = policy;
        this.#paths.follow(policy);
        const again = this.#relays.follow(policy);
        this.#negotiation.permit(policy.path);
        this.#configure();
        if (again)
            this.#recovery.now();
    }
    #useServers(servers) {
        this.#relays.use(servers);
        this.#configure();
    }
    #configure() {
        this.#peer.setConfiguration(this.#relays.configuration());
    }
    /** Ends the session for want of a way to the camera. */
    #noWay() {
        this.close(this.#policy?.quota ? "quota" : "ice_failed");
    }
    #restart() {
        this.#restartWanted = this.#link.status !== "up";
        if (this.#restartWanted)
            return false;
        this.#relays.join();
        this.#configure();
        this.#negotiation.restart().catch(() => this.#noWay());
        return true;
    }
    #ice() {
        if (this.#over)
            return;
        this.#relays.connected(this.connected);
        this.#recovery.state(this.#peer.iceConnectionState);
        this.#meter.changed();
    }
    async #extend() {
        const token = await this.#options.freshToken?.().catch(() => undefined);
        if (this.#over)
            return;
        this.#link.request({ type: "extend", session: this.id, data: token ? { token } : {} }, (answer) => {
            if (this.#over || answer.type !== "reply" || !answer.data.expires)
                return;
            this.#lease.set(Date.parse(answer.data.expires), this.#link.hubNow);
        });
    }
    #tellPath(path) {
        this.#post({ type: "path", session: this.id, data: path });
        this.#relays.took(path);
        this.#paths.take(path);
        this.events.emit("path", path);
    }
    #tellNetwork() {
        const { network: data } = this.#paths.scout;
        if (this.#asked !== "not yet" && Object.keys(data).length > 0)
            this.#post({ type: "network", session: this.id, data });
    }
    #post(draft) {
        if (!this.#over)
            this.#link.post(draft);
    }
    #end(end, tell) {
        if (this.#over)
            return;
        this.#over = true;
        clearTimeout(this.#answerTimer);
        this.#recovery.stop();
        this.#relays.stop();
        this.#paths.stop();
        this.#lease.stop();
        this.#meter.stop();
        this.control.stop();
        this.#release?.();
        // Before open there is nothing to close on the hub.
        if (tell && this.#release) {
            const reason = end.reason;
            this.#link.close(this.id, reason, this.#owner);
        }
        this.#peer.close();
        const spent = end.reason === "quota" && this.#paths.timeIsUp;
        this.events.emit("ended", spent ? { ...end, relayTime: true } : end);
    }
}
//# sourceMappingURL=session.js.map