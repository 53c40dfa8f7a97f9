import type { Code } from "../protocol/error.ts";
import type { Reason } from "../protocol/reason.ts";

/**
 * What a viewer does when a session has ended or was refused: try again after a while, wait until the camera is back,
 * ask for a new token, or stop.
 */
export type Afterwards = "retry" | "online" | "token" | "stop";

/** What to do after each end reason and each error code. */
export const AFTERWARDS: Readonly<Record<Reason | Code, Afterwards>> = {
  device_left: "retry",
  ice_failed: "retry",
  timeout: "retry",
  busy: "retry",
  full: "retry",
  privacy: "retry",
  superseded: "retry",
  unknown: "retry",
  internal: "retry",
  conflict: "retry",
  rate_limited: "retry",
  going_away: "retry",
  unknown_link: "retry",
  too_slow: "retry",
  sequence: "retry",
  bad_message: "retry",
  unknown_type: "retry",

  device_offline: "online",
  offline: "online",

  expired: "token",
  bad_token: "token",
  clock_skew: "token",

  viewer_left: "stop",
  closed_by_api: "stop",
  revoked: "stop",
  forbidden: "stop",
  not_found: "stop",
  quota: "stop",
  codec: "stop",
  version: "stop",
  too_large: "stop",
  invalid: "stop",
  precondition_failed: "stop",
  precondition_required: "stop",
  idempotency_mismatch: "stop",
  answer_lost: "stop",
};
