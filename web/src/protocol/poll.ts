import { type Check, instant, list, maybe, shape, text, whole } from "./check.ts";
import type { ErrorBody } from "./error.ts";
import { LIMITS } from "./limits.ts";

/** What stands behind a hub's address: the WebSocket, and the two requests of the long poll. */
export const PATHS = { link: "v1/link", send: "v1/link/send", poll: "v1/link/poll" } as const;

/** Answers a send: the highest sequence number that the hub has taken over. */
export interface Receipt {
  received: number;
}

/** Answers a poll, and the hello; response numbers them from 1, which has the welcome. */
export interface Delivery {
  response: number;
  /** Envelopes that nobody has looked at yet. */
  messages: unknown[];
}

/** The body of HTTP 410: the end of the carrier or of the link, with the close code of a WebSocket. */
export interface Farewell {
  close: number;
  error: ErrorBody;
}

const anything: Check<unknown> = (value) => value;
/** The shortest message is `{"type":"ack"}`. */
const mostMessages = LIMITS.parcelBytes / 14;

/** Reads the answer to a send. Throws a ProtocolError. */
export function readReceipt(value: unknown): Receipt {
  return shape<Receipt>({ received: whole(0) })(value, "receipt");
}

/** Reads the answer to a poll or to a hello. Throws a ProtocolError. */
export function readDelivery(value: unknown): Delivery {
  return shape<Delivery>({ response: whole(1), messages: list(anything, mostMessages) })(value, "delivery");
}

/** Reads the body of HTTP 410. Throws a ProtocolError. */
export function readFarewell(value: unknown): Farewell {
  const error = shape<ErrorBody>({
    code: text(LIMITS.nameBytes),
    message: text(LIMITS.candidateBytes),
    retry_ms: maybe(whole(0)),
    now: maybe(instant),
    last_seen: maybe(instant),
  });
  return shape<Farewell>({ close: whole(1000), error })(value, "farewell");
}

/** The header with which a request names its link and proves that it is its own. */
export function authorization({ link, key }: { link: string; key: string }): string {
  return `Link ${link}.${key}`;
}

/** The address of one of a hub's paths; the hub's own may have a path. */
export function addressOf(hub: URL, path: string): URL {
  const base = new URL(hub);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  const url = new URL(path, base);
  url.search = "";
  url.hash = "";
  return url;
}
