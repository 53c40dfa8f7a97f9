import { type Check, figure, flag, list, maybe, oneOf, shape, text, whole } from "./check.ts";
import { bytesOf } from "./codec.ts";
import { type ErrorBody, ProtocolError } from "./error.ts";
import { LIMITS } from "./limits.ts";

/** The label of the data channel on which a viewer and a device talk without the hub. */
export const CONTROL_LABEL = "control";

/** How large a viewer shows the picture, in pixels of its screen; zero means that it is not to be seen. */
export interface Viewport {
  width: number;
  height: number;
}

/** The streams that a camera may have. */
export const RENDITIONS = ["main", "sub"] as const;

/** See {@link RENDITIONS}. */
export type RenditionName = (typeof RENDITIONS)[number];

/** Names a rendition; without one the device chooses. */
export interface Choice {
  rendition?: RenditionName;
}

/** Moves a camera at speeds from -1 to 1: right, up and closer are positive, all zero stops. Home goes alone. */
export interface PTZ {
  pan: number;
  tilt: number;
  zoom: number;
  home?: boolean;
}

/** Says whether the viewer's sound is to be heard. */
export interface Talk {
  on: boolean;
}

/** Where a camera's source stands: dialing is the first time or again, down is tried again. */
export type SourceState = "dialing" | "up" | "down";

/** One of the streams of a camera. */
export interface Rendition {
  name: RenditionName;
  codec: string;
  width: number;
  height: number;
  fps?: number;
}

/** Something that the camera has and the viewer does without. */
export interface Note {
  /** audio_dropped, video_left_out, source_quirk, no_talk, or one of a newer device. */
  code: string;
  message: string;
}

/** How a camera is, and what it can do for this viewer. */
export interface Camera {
  source: SourceState;
  /** Why the source is down, in words, and in how many milliseconds it is tried again. */
  why?: string;
  retry_ms?: number;
  /** Those that the viewer can have, the best first; rendition is the one that it gets, auto whether the device chooses. */
  renditions: Rendition[];
  rendition?: RenditionName;
  auto?: boolean;
  /** What this viewer may ask for and the camera has. */
  talk?: boolean;
  ptz?: boolean;
  snapshot?: boolean;
  /** Somebody is heard at the camera. */
  talking?: boolean;
  notes?: Note[];
}

/** Answers a request for a snapshot: its bytes follow in binary messages. */
export interface Still {
  media_type: string;
  bytes: number;
}

/** The body of each control message; undefined for those that have none. */
export interface ControlBodies {
  keyframe: undefined;
  view: Viewport;
  rendition: Choice;
  ptz: PTZ;
  snapshot: undefined;
  talk: Talk;
  status: Camera;
  ok: Still | undefined;
  error: ErrorBody;
}

/** The name of a control message. */
export type ControlType = keyof ControlBodies;

/** What a control message carries beside its type and body. */
export interface ControlHead {
  /** Names a request, which is answered; absent wants no answer. */
  id?: number;
  /** The id that an answer is for. */
  re?: number;
}

/** One message of the control channel; its type decides its body. */
export type Control<T extends ControlType = ControlType> = {
  [K in T]: ControlHead & { type: K; data?: ControlBodies[K] };
}[T];

/** Renditions and notes of one camera: more than any has, and still a bound. */
const most = 32;
const name = text(LIMITS.nameBytes);
const words = text(LIMITS.controlBytes);
const speed: Check<number> = (value, where) => {
  const number = figure(value, where);
  if (Math.abs(number) > 1) throw new ProtocolError("invalid", `${where} is not -1 to 1`);
  return number;
};
const rendition = oneOf(RENDITIONS);
const still = shape<Still>({
  media_type: name,
  bytes: (value, where) => {
    const bytes = whole(0)(value, where);
    if (bytes > LIMITS.snapshotBytes) throw new ProtocolError("too_large", `${where} is over ${LIMITS.snapshotBytes}`);
    return bytes;
  },
});
const none: Check<undefined> = () => undefined;

const bodies: { readonly [T in ControlType]: Check<ControlBodies[T]> } = {
  keyframe: none,
  view: shape<Viewport>({ width: whole(0), height: whole(0) }),
  rendition: shape<Choice>({ rendition: maybe(rendition) }),
  ptz: shape<PTZ>({ pan: speed, tilt: speed, zoom: speed, home: maybe(flag) }),
  snapshot: none,
  talk: shape<Talk>({ on: flag }),
  status: shape<Camera>({
    source: oneOf(["dialing", "up", "down"]),
    why: maybe(words),
    retry_ms: maybe(whole(0)),
    renditions: list(
      shape<Rendition>({ name: rendition, codec: name, width: whole(0), height: whole(0), fps: maybe(figure) }),
      most,
    ),
    rendition: maybe(rendition),
    auto: maybe(flag),
    talk: maybe(flag),
    ptz: maybe(flag),
    snapshot: maybe(flag),
    talking: maybe(flag),
    notes: maybe(list(shape<Note>({ code: name, message: words }), most)),
  }),
  ok: (value, where) => (value === undefined || value === null ? undefined : still(value, where)),
  error: shape<ErrorBody>({
    code: name,
    message: words,
    retry_ms: maybe(whole(0)),
    now: maybe(text(LIMITS.nameBytes)),
    last_seen: maybe(text(LIMITS.nameBytes)),
  }),
};

const head = shape<ControlHead & { type: string }>({ type: name, id: maybe(whole(0)), re: maybe(whole(0)) });

/** Every control message, those of a viewer first. */
export const CONTROLS = Object.keys(bodies) as ControlType[];

/** Reads a control message. Throws a ProtocolError with bad_message, too_large, invalid or unknown_type. */
export function decodeControl(raw: string): Control {
  check(raw);
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    throw new ProtocolError("bad_message", "not a control message");
  }
  const { type, ...rest } = head(value, "control");
  if (!Object.hasOwn(bodies, type)) throw new ProtocolError("unknown_type", `unknown control ${type.slice(0, 32)}`);
  const known = type as ControlType;
  const { data } = value as { data?: unknown };
  const body = bodies[known](data ?? (known === "ok" ? undefined : {}), known);
  return (body === undefined ? { type, ...rest } : { type, ...rest, data: body }) as Control;
}

/** Writes a control message. Throws a ProtocolError with too_large. */
export function encodeControl(control: Control): string {
  const raw = JSON.stringify(control);
  check(raw);
  return raw;
}

function check(raw: string): void {
  if (bytesOf(raw) > LIMITS.controlBytes) {
    throw new ProtocolError("too_large", `a control message is over ${LIMITS.controlBytes} bytes`);
  }
}
