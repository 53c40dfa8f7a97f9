import { Emitter } from "../emitter.js";
import { Backoff } from "../link/backoff.js";
import { Link } from "../link/link.js";
import { ProtocolError } from "../protocol/error.js";
import { rightsOf } from "../session/rights.js";
import { Session } from "../session/session.js";
import { AFTERWARDS } from "./afterwards.js";
import { Controls } from "./controls.js";
import { Poster } from "./poster.js";
import { Sight } from "./sight.js";
import { stateOf } from "./view.js";
/** How many failures of a link that begins are no news: so many tell that a network lets no WebSocket through. */
const patience = 2;
/** A next try that is no further away is none either (milliseconds). */
const soon = 3000;
/**
 * Looks at one device for as long as it is allowed: opens a session, opens another when that one ends, waits while the
 * camera is away, renews its token, and says at every moment what a person should know.
 */
export class Viewer {
    events = new Emitter();
    /** What can be done with the camera beside looking. */
    controls = new Controls(() => this.#change());
    #options;
    #link;
    #backoff = new Backoff();
    #poster = new Poster(() => this.#change());
    #token;
    #session;
    #opening = false;
    #servers = [];
    #grant;
    /** What the hub has told of the next session's policy. */
    #gathering;
    #presence;
    #retryTimer;
    #openedAt = 0;
    #started = false;
    #final;
    #trouble;
    /** How often the link failed; a success makes the next failure count. */
    #downs = 0;
    #linkDown = false;
    #flowing = false;
    #shown = false;
    #stats;
    #path;
    #relayTime = false;
    #lastSeen;
    constructor(options) {
        this.#options = options;
        this.#token = options.token;
        this.#link = new Link({
            ...options.link,
            hub: options.hub,
            token: options.token,
            renewToken: (why) => this.#freshToken(why),
        });
        this.#link.events.on("up", (welcome) => {
            this.#linkDown = false;
            // From now on a loss is one.
            this.#downs = patience;
            this.#servers = welcome.ice_servers ?? this.#servers;
            this.#grant = welcome.grant ?? this.#grant;
            if (welcome.path)
                this.#gathering = { path: welcome.path, relay_delay_ms: welcome.relay_delay_ms ?? 0 };
            // A link that goes on has changed nothing that a planned retry waits for.
            if (!welcome.resumed || !this.#retryTimer)
                this.#open();
            this.#change();
        });
        this.#link.events.on("down", ({ retryMs }) => {
            this.#downs++;
            this.#linkDown = this.#downs > patience || retryMs > soon;
            this.#change();
        });
        this.#link.events.on("stopped", (why) => this.#stop(why.code));
        this.#link.events.on("message", (message) => this.#message(message));
    }
    /** What a person should know now. */
    get view() {
        return {
            ...stateOf({
                started: this.#started,
                final: this.#final,
                trouble: this.#trouble,
                linkDown: this.#linkDown,
                flowing: this.#flowing,
                shown: this.#shown,
            }),
            path: this.#path,
            pathDetails: this.#path && this.#session?.pathDetails,
            relayTime: this.#relayTime,
            stats: this.#stats,
            transport: this.#link.transport,
            fallback: this.#link.fallback,
            deviceFallback: this.#presence?.fallback,
            name: this.#presence?.name,
            lastSeen: this.#lastSeen,
            poster: this.#poster.url,
            ...this.controls.view,
        };
    }
    /** The state alone. */
    get state() {
        return this.view.state;
    }
    /** Begins: the socket opens and the first offer is made at the same time. */
    start() {
        if (this.#started)
            return;
        this.#started = true;
        this.#final = undefined;
        this.#relayTime = false;
        this.#trouble = undefined;
        if (typeof RTCPeerConnection === "undefined") {
            this.#stop("unsupported");
            return;
        }
        this.#link.start();
        this.#prepare();
        const { hub, device, poster } = this.#options;
        if (poster)
            void this.#poster.fetch(hub, device, this.#token);
        this.#change();
    }
    /** Leaves: the session ends and the link is closed. */
    stop() {
        if (!this.#started)
            return;
        this.#started = false;
        this.#final = undefined;
        this.#leave();
        this.#poster.drop();
        this.#link.stop();
        this.#linkDown = false;
        this.#downs = 0;
        this.#change();
    }
    /** Begins again, whatever the end was. */
    again() {
        this.stop();
        this.start();
    }
    /** Goes on with another token; a viewer whose token was refused begins again. */
    setToken(token) {
        this.#token = token;
        this.#link.setToken(token);
        if (this.#final)
            this.again();
    }
    /** Shows the picture in a video element, as large as that is, until the returned function is called. */
    attach(video) {
        const show = (stream) => {
            video.srcObject = stream ?? null;
            if (!stream)
                return;
            video.requestVideoFrameCallback?.(() => this.#session?.frameShown());
            // Refused only until a person has touched the page, and then the muted element starts by itself.
            video.play()?.catch(() => undefined);
        };
        if (this.#session?.stream.getTracks().length)
            show(this.#session.stream);
        const unheard = this.events.on("stream", show);
        const sight = new Sight(video, (viewport) => this.controls.see(viewport));
        return () => {
            sight.stop();
            unheard();
        };
    }
    #prepare() {
        const rights = rightsOf(this.#token);
        const session = new Session(this.#link, {
            device: this.#options.device,
            audio: rights.includes("audio"),
            talk: rights.includes("talk"),
            relayOnly: this.#options.relayOnly ?? false,
            freshToken: () => this.#freshToken(),
        });
        this.#session = session;
        this.#opening = false;
        this.controls.use(session);
        session.events.on("opened", (opened) => {
            this.#grant = opened.next_grant ?? this.#grant;
            this.#servers = opened.ice_servers ?? this.#servers;
            this.#gathering = opened.policy;
            this.#openedAt = Date.now();
            this.#trouble = undefined;
            this.#lastSeen = undefined;
            this.#change();
        });
        session.events.on("stream", (stream) => this.events.emit("stream", stream));
        session.events.on("path", ({ kind }) => {
            this.#path = kind;
            this.#change();
        });
        session.events.on("quality", (quality) => {
            this.#stats = quality;
            this.#change();
        });
        session.events.on("flowing", (flowing) => {
            this.#flowing = flowing;
            this.#shown ||= flowing;
            if (flowing)
                this.#poster.fade();
            this.#change();
        });
        session.events.on("ended", (end) => {
            if (this.#session === session)
                this.#ended(end);
        });
    }
    #open() {
        this.#forgetRetry();
        if (!this.#started || this.#link.status !== "up")
            return;
        if (!this.#session)
            this.#prepare();
        if (this.#opening)
            return;
        this.#opening = true;
        void this.#session?.open(this.#servers, this.#grant, this.#gathering).catch(() => this.#session?.close("internal"));
    }
    #message(message) {
        if (message.type === "presence")
            this.#present(message.data);
        else if (message.type === "snapshot") {
            for (const { session, state, reason } of message.data.sessions) {
                if (state === "ended" && session === this.#session?.id)
                    this.#session.hubEnded(reason ?? "unknown");
            }
            for (const presence of message.data.presence)
                this.#present(presence);
        }
        else if (message.type === "ice_servers") {
            this.#servers = message.data.ice_servers;
            this.#grant = message.data.grant ?? this.#grant;
            this.#session?.useServers(this.#servers, this.#grant);
        }
    }
    #present(presence) {
        if (presence.device !== this.#options.device)
            return;
        if (presence.generation < (this.#presence?.generation ?? 0))
            return;
        this.#presence = presence;
        const waiting = this.#trouble !== undefined && AFTERWARDS[this.#trouble] === "online";
        if (presence.status === "offline" && presence.since)
            this.#lastSeen = new Date(presence.since);
        if (presence.status === "online" && waiting && !this.#session)
            this.#open();
        this.#change();
    }
    #ended({ reason, error, relayTime = false }) {
        this.#leave();
        this.#relayTime = relayTime;
        this.#lastSeen = error?.lastSeen ?? this.#lastSeen;
        switch (AFTERWARDS[reason]) {
            case "stop":
                this.#stop(reason);
                return;
            case "token":
                void this.#renew(reason, error);
                break;
            case "online":
                // The hub says that it is away, unless it came back in the meantime.
                if (this.#presence?.status === "online")
                    this.#retry(error);
                break;
            default:
                this.#retry(error);
        }
        this.#trouble = reason;
        this.#change();
    }
    #retry(error) {
        if (this.#openedAt > 0)
            this.#backoff.lived(Date.now() - this.#openedAt);
        this.#openedAt = 0;
        this.#retryTimer = setTimeout(() => this.#open(), Math.max(this.#backoff.next(), error?.retryMs ?? 0));
    }
    async #renew(reason, error) {
        const token = await this.#freshToken(error ?? new ProtocolError("expired", "the session's lease has passed"));
        if (!this.#started)
            return;
        if (token)
            this.#link.renew();
        else
            this.#stop(reason);
    }
    async #freshToken(why) {
        const token = await Promise.resolve(this.#options.tokenProvider?.(why)).catch(() => undefined);
        if (!token)
            return undefined;
        this.#token = token;
        if (this.#link.status !== "stopped")
            this.#link.setToken(token);
        return token;
    }
    #forgetRetry() {
        clearTimeout(this.#retryTimer);
        this.#retryTimer = undefined;
    }
    #leave() {
        this.#forgetRetry();
        const session = this.#session;
        this.#session = undefined;
        this.controls.use(undefined);
        session?.close("viewer_left");
        this.#opening = false;
        this.#flowing = false;
        this.#shown = false;
        this.#path = undefined;
        this.#stats = undefined;
        this.events.emit("stream", undefined);
    }
    #stop(why) {
        this.#leave();
        this.#poster.drop();
        this.#link.stop();
        this.#final = why;
        this.#change();
    }
    #change() {
        this.events.emit("change", this.view);
    }
}
//# sourceMappingURL=viewer.js.map