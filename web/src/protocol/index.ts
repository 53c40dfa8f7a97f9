/**
 * The vocabulary of the link in TypeScript: every message, code, reason and limit, and how to read and write them.
 * The Go package protocol is where they are decided; its golden messages prove that both say the same.
 */
export { CLOSE, closeFor, codeOf, mayReconnect } from "./close.ts";
export { bytesOf, decode, encode, UnknownType } from "./codec.ts";
export * from "./control.ts";
export * from "./envelope.ts";
export { CODES, type Code, type ErrorBody, isCode, ProtocolError } from "./error.ts";
export {
  type AnyTransport,
  DOORS,
  type Door,
  FALLBACK_REASONS,
  type Fallback,
  type FallbackReason,
  TRANSPORTS,
} from "./fallback.ts";
export type * from "./handshake.ts";
export { isDevice, isGrant, isSession } from "./id.ts";
export { ACK_EVERY, LIMITS, SUBPROTOCOL, TIMES, VERSION } from "./limits.ts";
export { NAT_BEHAVIOURS, type NATBehaviour, type Network } from "./network.ts";
export {
  addressOf,
  authorization,
  type Delivery,
  type Farewell,
  PATHS,
  type Receipt,
  readDelivery,
  readFarewell,
  readReceipt,
} from "./poll.ts";
export { REASONS, type Reason } from "./reason.ts";
export type * from "./session.ts";
export type * from "./state.ts";
