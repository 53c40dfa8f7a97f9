/**
 * The vocabulary of the link in TypeScript: every message, code, reason and limit, and how to read and write them.
 * The Go package protocol is where they are decided; its golden messages prove that both say the same.
 */
export { CLOSE, closeFor, codeOf, mayReconnect } from "./close.js";
export { bytesOf, decode, encode, UnknownType } from "./codec.js";
export * from "./control.js";
export * from "./envelope.js";
export { CODES, isCode, ProtocolError } from "./error.js";
export { DOORS, FALLBACK_REASONS } from "./fallback.js";
export { isDevice, isGrant, isSession } from "./id.js";
export { ACK_EVERY, LIMITS, SUBPROTOCOL, TIMES, VERSION } from "./limits.js";
export { NAT_BEHAVIOURS } from "./network.js";
export { addressOf, authorization, PATHS, readDelivery, readFarewell, readReceipt, } from "./poll.js";
export { REASONS } from "./reason.js";
//# sourceMappingURL=index.js.map