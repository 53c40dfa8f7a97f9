import { ProtocolError } from "./error.js";
function bad(where, what) {
    return new ProtocolError("bad_message", `${where} ${what}`);
}
/** A string of at most so many characters. */
export function text(most) {
    return (value, where) => {
        if (typeof value !== "string")
            throw bad(where, "is not a string");
        if (value.length > most)
            throw new ProtocolError("too_large", `${where} is over ${most} characters`);
        return value;
    };
}
/** A string that a predicate accepts. */
export function named(is) {
    return (value, where) => {
        if (typeof value !== "string" || !is(value))
            throw bad(where, "is not of its form");
        return value;
    };
}
/** An integer, at least so much. */
export function whole(least) {
    return (value, where) => {
        if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least) {
            throw bad(where, `is not an integer of ${least} or more`);
        }
        return value;
    };
}
/** Any finite number. */
export const figure = (value, where) => {
    if (typeof value !== "number" || !Number.isFinite(value))
        throw bad(where, "is not a number");
    return value;
};
/** True or false. */
export const flag = (value, where) => {
    if (typeof value !== "boolean")
        throw bad(where, "is not true or false");
    return value;
};
/** A moment in RFC 3339. */
export const instant = (value, where) => {
    if (typeof value !== "string" || Number.isNaN(Date.parse(value)))
        throw bad(where, "is not a time");
    return value;
};
/** One of a closed list. */
export function oneOf(list) {
    return (value, where) => {
        const found = list.find((known) => known === value);
        if (found === undefined)
            throw bad(where, `is none of ${list.join(", ")}`);
        return found;
    };
}
/** A list of at most so many; null, which Go writes for an empty one, is an empty list. */
export function list(of, most) {
    return (value, where) => {
        if (value === null)
            return [];
        if (!Array.isArray(value))
            throw bad(where, "is not a list");
        if (value.length > most)
            throw new ProtocolError("too_large", `${where} has over ${most} entries`);
        return value.map((entry, i) => of(entry, `${where}[${i}]`));
    };
}
/** An object with these fields; others are ignored, so that the other side can grow. */
export function shape(fields) {
    const entries = Object.entries(fields);
    return (value, where) => {
        if (typeof value !== "object" || value === null || Array.isArray(value))
            throw bad(where, "is not an object");
        const given = value;
        const read = {};
        for (const [name, field] of entries) {
            const inner = given[name];
            if (typeof field === "function")
                read[name] = field(inner, `${where}.${name}`);
            else if (inner !== undefined && inner !== null)
                read[name] = field.maybe(inner, `${where}.${name}`);
        }
        return read;
    };
}
/** Marks a field that may be absent. */
export function maybe(check) {
    return { maybe: check };
}
//# sourceMappingURL=check.js.map