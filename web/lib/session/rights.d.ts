import type { Right } from "../protocol/session.ts";
/**
 * The rights that a token says it carries, to know what to ask for; the hub is who checks them. A token that cannot be
 * read counts as one that allows to view.
 */
export declare function rightsOf(token: string): Right[];
