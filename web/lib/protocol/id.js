/** Whether the identifier has 1 to 64 characters of a-z, 0-9, '-' and '_'. */
export function isDevice(id) {
    return /^[a-z0-9_-]{1,64}$/.test(id);
}
/** Whether the identifier is a UUID in its canonical lower-case form (RFC 9562). */
export function isSession(id) {
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
}
/** Whether the identifier is 32 lower-case hexadecimal digits, as grants and owners are. */
export function isGrant(id) {
    return /^[0-9a-f]{32}$/.test(id);
}
//# sourceMappingURL=id.js.map