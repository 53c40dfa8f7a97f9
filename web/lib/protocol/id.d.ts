/** Whether the identifier has 1 to 64 characters of a-z, 0-9, '-' and '_'. */
export declare function isDevice(id: string): boolean;
/** Whether the identifier is a UUID in its canonical lower-case form (RFC 9562). */
export declare function isSession(id: string): boolean;
/** Whether the identifier is 32 lower-case hexadecimal digits, as grants and owners are. */
export declare function isGrant(id: string): boolean;
