import type { Right } from "../protocol/session.ts";

/**
 * The rights that a token says it carries, to know what to ask for; the hub is who checks them. A token that cannot be
 * read counts as one that allows to view.
 */
export function rightsOf(token: string): Right[] {
  try {
    const body = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const claims: unknown = JSON.parse(atob(body));
    if (typeof claims === "object" && claims !== null && "grants" in claims && Array.isArray(claims.grants)) {
      return claims.grants.filter(
        (right): right is Right => right === "view" || right === "audio" || right === "talk" || right === "control",
      );
    }
  } catch {
    // Not a token of ours: the hub will say so in words.
  }
  return ["view"];
}
