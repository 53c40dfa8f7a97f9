import type { Draft, Envelope, Head } from "./envelope.ts";
import { ProtocolError } from "./error.ts";
/** A message of a type that this program does not know; its head is still good, so that it can be answered. */
export declare class UnknownType extends ProtocolError {
    readonly head: Head;
    constructor(type: string, head: Head);
}
/** Reads one message. Throws {@link UnknownType}, or a ProtocolError with bad_message or too_large. */
export declare function decode(raw: string): Envelope;
/** Writes one message. Throws a ProtocolError with too_large. */
export declare function encode(message: Envelope | Draft): string;
/** The length of a string in UTF-8. */
export declare function bytesOf(raw: string): number;
