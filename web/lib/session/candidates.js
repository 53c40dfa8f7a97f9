/** Reads a candidate line, with or without `a=`; undefined for what is none, such as the sign that there are no more. */
export function readCandidate(line) {
    const words = line.replace(/^a=/, "").trim().split(/\s+/);
    const [head = "", component, protocol = "", , address = "", port, typ, type = ""] = words;
    const foundation = /^candidate:(.+)$/.exec(head)?.[1];
    if (!foundation || typ !== "typ" || !type)
        return undefined;
    const base = words.indexOf("rport");
    return {
        foundation,
        component: Number(component) || 0,
        protocol: protocol.toLowerCase(),
        address,
        port: Number(port) || 0,
        type,
        basePort: base > 0 ? Number(words[base + 1]) || 0 : 0,
    };
}
/** host:port as Go's netip.AddrPort writes it, so with IPv6 in brackets. */
export function placeOf(address, port) {
    return address.includes(":") ? `${ipv6(address)}:${port}` : `${address}:${port}`;
}
/** Whether a candidate may be signaled and used under a policy. The empty one, which ends them, always may. */
export function permitted(line, path) {
    const candidate = readCandidate(line);
    if (!candidate || path === "prefer_direct")
        return true;
    return (candidate.type === "relay") === (path === "relay_only");
}
/** A description without the candidates that a policy forbids. */
export function withPermitted(sdp, path) {
    return sdp
        .split("\r\n")
        .filter((line) => !line.startsWith("a=candidate:") || permitted(line, path))
        .join("\r\n");
}
/** The usual form of an IPv6 address (RFC 5952), in brackets. */
function ipv6(address) {
    const bare = address.replace(/^\[|\]$/g, "");
    try {
        return new URL(`http://[${bare}]`).hostname;
    }
    catch {
        return `[${bare}]`;
    }
}
//# sourceMappingURL=candidates.js.map