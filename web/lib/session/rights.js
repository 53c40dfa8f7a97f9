/**
 * The rights that a token says it carries, to know what to ask for; the hub is who checks them. A token that cannot be
 * read counts as one that allows to view.
 */
export function rightsOf(token) {
    try {
        const body = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
        const claims = JSON.parse(atob(body));
        if (typeof claims === "object" && claims !== null && "grants" in claims && Array.isArray(claims.grants)) {
            return claims.grants.filter((right) => right === "view" || right === "audio" || right === "talk" || right === "control");
        }
    }
    catch {
        // Not a token of ours: the hub will say so in words.
    }
    return ["view"];
}
//# sourceMappingURL=rights.js.map