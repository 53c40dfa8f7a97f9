const stunURL = /^stun:(\[[^\]]+\]|[^:?]+)(?::(\d+))?/i;
/** The STUN servers that are asked over UDP, each once. */
export function stunPlaces(servers) {
    const places = new Map();
    for (const url of servers.flatMap(({ urls }) => urls)) {
        const [whole, host = "", port] = stunURL.exec(url) ?? [];
        if (whole)
            places.set(whole, { host: host.replace(/^\[|\]$/g, "").toLowerCase(), port: Number(port ?? 3478) });
    }
    return [...places.values()];
}
/** Whether a relay can be had over UDP from a server. */
export function takesUDP({ urls }) {
    return [urls].flat().some(overUDP);
}
/** Whether a URL is that of a relay over UDP. */
export function overUDP(url) {
    return /^turn:(?!.*\?transport=tcp)/i.test(url);
}
/** Whether a URL is that of a relay (RFC 7065). */
export function isRelay(url) {
    return /^turns?:/i.test(url);
}
/** Ranges that never are an end's address outside: RFC 1918, 6598, 3927, 1122. */
const inside = /^(?:10\.|127\.|0\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/;
/** Whether a text is an IPv4 address that everybody may have a way to. */
export function isPublic4(address) {
    return /^\d+(\.\d+){3}$/.test(address) && !inside.test(address);
}
/** Whether a text is an IPv6 address of the global unicast range (RFC 4291 section 2.5.4). */
export function isGlobal6(address) {
    return /^\[?[23][0-9a-f]{3}:/i.test(address);
}
//# sourceMappingURL=servers.js.map