/** A new session's id: a UUIDv7 (RFC 9562 section 5.7). crypto.randomUUID does not exist on plain HTTP. */
export function sessionID(now = Date.now()) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const view = new DataView(bytes.buffer);
    view.setUint16(0, Math.floor(now / 2 ** 32));
    view.setUint32(2, now % 2 ** 32);
    view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x70);
    view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
    return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
/** 128 random bits in hexadecimal, which prove later that a session is this viewer's own. */
export function owner() {
    return hex(crypto.getRandomValues(new Uint8Array(16)));
}
function hex(bytes) {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
//# sourceMappingURL=random.js.map