/** Reads a value of unknown form, or throws a ProtocolError that says where it is wrong. */
export type Check<T> = (value: unknown, where: string) => T;
/** A field that may be absent; null, which Go writes for an empty list, counts as absent. */
export interface Maybe<T> {
    maybe: Check<T>;
}
/** The checks of an interface: one per field, {@link maybe} exactly where the field is optional. */
export type Fields<T> = {
    [K in keyof T]-?: object extends Pick<T, K> ? Maybe<Exclude<T[K], undefined>> : Check<Exclude<T[K], undefined>>;
};
/** A string of at most so many characters. */
export declare function text(most: number): Check<string>;
/** A string that a predicate accepts. */
export declare function named(is: (value: string) => boolean): Check<string>;
/** An integer, at least so much. */
export declare function whole(least: number): Check<number>;
/** Any finite number. */
export declare const figure: Check<number>;
/** True or false. */
export declare const flag: Check<boolean>;
/** A moment in RFC 3339. */
export declare const instant: Check<string>;
/** One of a closed list. */
export declare function oneOf<const T extends string>(list: readonly T[]): Check<T>;
/** A list of at most so many; null, which Go writes for an empty one, is an empty list. */
export declare function list<T>(of: Check<T>, most: number): Check<T[]>;
/** An object with these fields; others are ignored, so that the other side can grow. */
export declare function shape<T extends object>(fields: Fields<T>): Check<T>;
/** Marks a field that may be absent. */
export declare function maybe<T>(check: Check<T>): Maybe<T>;
