import { figure, flag, instant, list, maybe, named, oneOf, shape, text, whole } from "./check.js";
import { FALLBACK_REASONS } from "./fallback.js";
import { isDevice, isGrant, isSession } from "./id.js";
import { LIMITS } from "./limits.js";
import { NAT_BEHAVIOURS } from "./network.js";
import { REASONS } from "./reason.js";
const name = text(LIMITS.nameBytes);
const sdp = text(LIMITS.sdpBytes);
const line = text(LIMITS.candidateBytes);
const device = named(isDevice);
const grant = named(isGrant);
const session = named(isSession);
const reason = oneOf(REASONS);
/** Sessions and devices of one link: more than a hub will ever list, and still a bound. */
const most = 4096;
const server = shape({
    urls: list(line, LIMITS.iceServers),
    username: maybe(line),
    credential: maybe(line),
});
const servers = list(server, LIMITS.iceServers);
const pathPolicy = oneOf(["direct_only", "prefer_direct", "relay_only"]);
const policy = shape({
    path: pathPolicy,
    relay_delay_ms: whole(0),
    quota: maybe(flag),
    max_kbps: maybe(whole(0)),
    max_relay_s: maybe(whole(0)),
    relay_hd: maybe(flag),
    expires: instant,
});
const media = shape({ video: flag, audio: maybe(flag), talk: maybe(flag) });
const offer = shape({ revision: whole(0), sdp });
/** A reason of a newer hub reads as unknown. */
const fallbackReason = (value, where) => {
    const told = name(value, where);
    return FALLBACK_REASONS.find((known) => known === told) ?? "unknown";
};
const fallback = shape({ reason: fallbackReason, detail: maybe(text(LIMITS.fallbackDetailBytes)) });
const presence = shape({
    device,
    name: maybe(name),
    status: oneOf(["online", "suspect", "offline"]),
    generation: whole(0),
    since: maybe(instant),
    transport: maybe(name),
    fallback: maybe(fallback),
});
const describe = shape({
    revision: whole(0),
    kind: oneOf(["offer", "answer", "restart"]),
    sdp: maybe(sdp),
    origins: maybe(list(shape({ address: line, means: name }), LIMITS.syncCandidates)),
});
const candidate = shape({
    revision: whole(0),
    candidate: line,
    mid: maybe(line),
    mline: whole(0),
    ufrag: maybe(line),
    means: maybe(name),
});
const path = shape({
    kind: oneOf(["direct", "relay"]),
    means: name,
    local: name,
    remote: name,
    protocol: name,
    rtt_ms: maybe(figure),
    after_ms: maybe(whole(0)),
    pairs: maybe(whole(0)),
});
const behaviour = oneOf(NAT_BEHAVIOURS);
const network = shape({
    mapping: maybe(behaviour),
    filtering: maybe(behaviour),
    public: maybe(flag),
    udp_blocked: maybe(flag),
    port_preserved: maybe(flag),
    port_step: maybe(figure),
    hairpin: maybe(flag),
    double_nat: maybe(flag),
    ipv6: maybe(flag),
    port_mapping: maybe(name),
    mapping_fault: maybe(name),
    tcp: maybe(flag),
});
const ending = shape({ reason });
const limits = shape({
    message_bytes: whole(0),
    unacked: whole(0),
    unacked_bytes: whole(0),
    candidates_per_s: whole(0),
    descriptions_per_s: whole(0),
});
const none = () => undefined;
/** How to read the body of each type. */
export const BODIES = {
    hello: shape({
        version: whole(0),
        role: oneOf(["device", "viewer"]),
        token: text(LIMITS.tokenBytes),
        client: shape({ name, version: maybe(name), model: maybe(name) }),
        max_sessions: maybe(whole(0)),
        resume: maybe(shape({ link: name, key: name, received: whole(0) })),
        fallback: maybe(fallback),
    }),
    welcome: shape({
        link: name,
        key: name,
        node: name,
        resumed: flag,
        reason: maybe(name),
        received: whole(0),
        ping_s: whole(1),
        resume_s: whole(0),
        limits,
        now: instant,
        ice_servers: maybe(servers),
        grant: maybe(grant),
        path: maybe(pathPolicy),
        relay_delay_ms: maybe(whole(0)),
    }),
    ping: none,
    pong: none,
    ack: none,
    goaway: shape({
        after_ms: whole(0),
        deadline_ms: whole(0),
        hosts: maybe(list(line, LIMITS.hosts)),
    }),
    bye: none,
    error: shape({
        code: name,
        message: line,
        retry_ms: maybe(whole(0)),
        now: maybe(instant),
        last_seen: maybe(instant),
    }),
    snapshot: shape({
        sessions: list(shape({ session, state: oneOf(["opening", "answered", "ended"]), reason: maybe(reason) }), most),
        presence: list(presence, most),
    }),
    presence,
    policy,
    ice_servers: shape({ ice_servers: servers, grant: maybe(grant) }),
    open: shape({
        device,
        grant: maybe(grant),
        owner: grant,
        media,
        offer: maybe(offer),
        trickle: maybe(flag),
    }),
    opened: shape({
        policy,
        expires: instant,
        next_grant: maybe(grant),
        ice_servers: maybe(servers),
    }),
    invite: shape({
        viewer: shape({ name: maybe(name), same_network: maybe(flag) }),
        grants: list(oneOf(["view", "audio", "talk", "control"]), most),
        ice_servers: maybe(servers),
        grant: maybe(grant),
        policy,
        expires: instant,
        media,
        offer: maybe(offer),
        trickle: flag,
    }),
    describe,
    candidate,
    path,
    extend: shape({ token: maybe(text(LIMITS.tokenBytes)) }),
    close: ending,
    closed: ending,
    sync: shape({
        revision: whole(0),
        description: maybe(describe),
        candidates: maybe(list(candidate, LIMITS.syncCandidates)),
        path: maybe(path),
        ice_connected: maybe(flag),
        owner: maybe(grant),
        answer: maybe(flag),
        last: maybe(flag),
    }),
    reply: shape({ expires: maybe(instant) }),
    event: shape({
        event: whole(1),
        kind: name,
        at: instant,
        device: maybe(device),
        session: maybe(session),
    }),
    gap: shape({ from: whole(1), to: whole(1) }),
    stats: shape({
        media: maybe(flag),
        bytes: maybe(whole(0)),
        packets: maybe(whole(0)),
        lost: maybe(whole(0)),
        frames: maybe(whole(0)),
        fps: maybe(figure),
        bitrate_kbps: maybe(figure),
        rtt_ms: maybe(figure),
        jitter_ms: maybe(figure),
        retransmitted: maybe(whole(0)),
        keyframe_requests: maybe(whole(0)),
        dropped: maybe(whole(0)),
        estimate_kbps: maybe(figure),
        rendition: maybe(name),
        direct_s: maybe(figure),
        relay_s: maybe(figure),
        milestones: maybe(shape({
            offer_ms: maybe(figure),
            answer_ms: maybe(figure),
            ice_ms: maybe(figure),
            dtls_ms: maybe(figure),
            keyframe_ms: maybe(figure),
        })),
        last: maybe(flag),
    }),
    network,
    capture: shape({ request: grant }),
};
//# sourceMappingURL=bodies.js.map