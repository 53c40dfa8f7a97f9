import { ProtocolError } from "../protocol/error.ts";
import type { Speech } from "../session/speech.ts";

/** Whether the viewer is heard: not, about to be, or now. */
export type TalkState = "off" | "asking" | "on";

/** Every reason why a viewer that wanted to be heard is not. */
export const TALK_HINTS = ["insecure", "denied", "no_microphone", "busy", "failed", "again"] as const;

/**
 * Why a viewer that wanted to be heard is not: the page is not on HTTPS, the microphone may not be used, there is none,
 * somebody else is heard, the camera does not take it, or the browser asked its question for longer than the button was
 * held, so that it has to be pressed again.
 */
export type TalkHint = (typeof TALK_HINTS)[number];

/** What a person should know of their talking. */
export interface TalkView {
  readonly state: TalkState;
  readonly hint: TalkHint | undefined;
}

/** How long a hint stays (milliseconds). */
const hintLasts = 6000;

/** The voice of a person at a distance: cleaned of the camera's own sound, or both would go in circles. */
const microphone: MediaStreamConstraints = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};

/** Opens the microphone for as long as somebody wants to be heard, and no longer. */
export class Talking {
  readonly #changed: () => void;
  #view: TalkView = { state: "off", hint: undefined };
  #speech: Speech | undefined;
  #track: MediaStreamTrack | undefined;
  /** Counts what begins and ends, so that what takes its time knows whether it is still wanted. */
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** What a person should know now. */
  get view(): TalkView {
    return this.#view;
  }

  /** Talks in another session from now on, or in none. Nobody is heard in it before start. */
  use(speech: Speech | undefined): void {
    this.stop();
    this.#speech = speech;
    this.#show("off");
  }

  /** Begins to be heard. It settles when that is so, or when it is plain that it will not be. */
  async start(): Promise<void> {
    const speech = this.#speech;
    if (!speech || this.#view.state !== "off") return;
    const turn = ++this.#turn;
    this.#show("asking");
    try {
      const track = await openMicrophone();
      if (turn !== this.#turn) {
        track.stop();
        if (this.#view.state === "off") this.#show("off", "again");
        return;
      }
      this.#track = track;
      track.onended = () => this.stop();
      await speech.begin(track);
      if (turn === this.#turn) this.#show("on");
    } catch (why) {
      if (turn !== this.#turn) return;
      this.stop();
      this.#show("off", hintOf(why));
    }
  }

  /** Is heard no more, and closes the microphone. */
  stop(): void {
    if (this.#view.state === "off") return;
    this.#turn++;
    if (this.#track) {
      this.#track.onended = null;
      this.#track.stop();
      this.#track = undefined;
    }
    this.#speech?.end();
    this.#show("off");
  }

  /** Takes in whether anybody is heard at the camera, as it says: one that is not any more learns it so. */
  heard(anybody: boolean): void {
    if (anybody || this.#view.state !== "on") return;
    this.stop();
    this.#show("off", "failed");
  }

  #show(state: TalkState, hint?: TalkHint): void {
    if (this.#view.state === state && this.#view.hint === hint) return;
    this.#view = { state, hint };
    clearTimeout(this.#timer);
    if (hint) this.#timer = setTimeout(() => this.#show(state), hintLasts);
    this.#changed();
  }
}

/** Asks for the microphone, which browsers have on secure pages only. */
async function openMicrophone(): Promise<MediaStreamTrack> {
  const devices = globalThis.isSecureContext === false ? undefined : navigator.mediaDevices;
  if (!devices?.getUserMedia) throw new DOMException("the page is not secure", "SecurityError");
  const [track] = (await devices.getUserMedia(microphone)).getAudioTracks();
  if (!track) throw new DOMException("no sound", "NotFoundError");
  return track;
}

function hintOf(why: unknown): TalkHint {
  if (why instanceof ProtocolError) return why.code === "busy" ? "busy" : "failed";
  switch ((why as Partial<DOMException> | undefined)?.name) {
    case "SecurityError":
      return "insecure";
    case "NotAllowedError":
      return "denied";
    case "NotFoundError":
      return "no_microphone";
    default:
      return "failed";
  }
}
