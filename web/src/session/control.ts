import {
  type Camera,
  CONTROL_LABEL,
  type Control,
  type ControlBodies,
  decodeControl,
  encodeControl,
  type Still,
  type Viewport,
} from "../protocol/control.ts";
import { ProtocolError } from "../protocol/error.ts";

/** How long a request may take: the device asks a camera in turn, which may have to wake up (milliseconds). */
const answerWithin = 8000;

/** Nothing else is taken for a picture: a page could be made to run it. */
const pictures = /^image\/(jpeg|png|webp)$/;

/** What a viewer may ask for. */
export type Request = "keyframe" | "rendition" | "ptz" | "snapshot" | "talk";

/** What a control channel tells. */
export interface ControlEvents {
  /** The device listens. */
  open(): void;
  status(camera: Camera): void;
  /** The device listens no more. */
  closed(): void;
}

/** A request without its whole answer, which may have a picture. */
interface Waiting {
  done(picture: Blob | undefined): void;
  failed(why: ProtocolError): void;
  timer: ReturnType<typeof setTimeout>;
}

/** A picture of which not all bytes are here. */
interface Arriving extends Still {
  request: number;
  parts: ArrayBuffer[];
  got: number;
}

/**
 * The data channel between a viewer and its device; it has to be made before the first offer. A device that knows none
 * leaves it closed: then nothing is told, and every request fails.
 */
export class ControlChannel {
  readonly #channel: RTCDataChannel;
  readonly #events: ControlEvents;
  readonly #waiting = new Map<number, Waiting>();
  #ids = 0;
  #arriving: Arriving | undefined;
  /** The newest size that the device has, or is to get when it listens. */
  #viewport: Viewport | undefined;

  constructor(peer: RTCPeerConnection, events: ControlEvents) {
    this.#events = events;
    this.#channel = peer.createDataChannel(CONTROL_LABEL);
    this.#channel.binaryType = "arraybuffer";
    this.#channel.onopen = () => this.#opened();
    this.#channel.onclose = () => {
      this.stop();
      events.closed();
    };
    this.#channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "string") this.#message(data);
      else if (data instanceof ArrayBuffer) this.#part(data);
    };
  }

  /** Whether the device listens. */
  get open(): boolean {
    return this.#channel.readyState === "open";
  }

  /** Tells how large the picture is shown, as soon as the device listens. */
  see(viewport: Viewport): void {
    const before = this.#viewport;
    if (before?.width === viewport.width && before.height === viewport.height) return;
    this.#viewport = viewport;
    if (this.open) this.#send({ type: "view", data: viewport });
  }

  /** Tells what wants no answer. It is lost where the device does not listen. */
  tell<T extends Request>(type: T, data: ControlBodies[T]): void {
    if (this.open) this.#send({ type, data } as Control);
  }

  /**
   * Asks, and settles when it is done. Fails with a ProtocolError: the device's own, offline where it does not listen, or
   * timeout.
   */
  async ask<T extends Request>(type: T, data: ControlBodies[T]): Promise<void> {
    await this.#ask(type, data);
  }

  /** Asks for a still picture, one at a time. Fails as ask does. */
  async snapshot(): Promise<Blob> {
    const picture = await this.#ask("snapshot", undefined);
    if (!picture) throw new ProtocolError("bad_message", "the answer has no picture");
    return picture;
  }

  /** Fails what waits for an answer. */
  stop(): void {
    for (const id of [...this.#waiting.keys()]) this.#fail(id, new ProtocolError("offline", "the device is gone"));
  }

  #opened(): void {
    if (this.#viewport) this.#send({ type: "view", data: this.#viewport });
    this.#events.open();
  }

  #ask<T extends Request>(type: T, data: ControlBodies[T]): Promise<Blob | undefined> {
    return new Promise((done, failed) => {
      if (!this.open) {
        failed(new ProtocolError("offline", "the device does not listen"));
        return;
      }
      const id = ++this.#ids;
      const timer = setTimeout(() => this.#fail(id, new ProtocolError("timeout", "no answer came")), answerWithin);
      this.#waiting.set(id, { done, failed, timer });
      this.#send({ type, id, data } as Control);
    });
  }

  #send(control: Control): void {
    this.#channel.send(encodeControl(control));
  }

  #message(raw: string): void {
    let message: Control;
    try {
      message = decodeControl(raw);
    } catch {
      return; // of a newer device
    }
    if (message.type === "status" && message.data) this.#events.status(message.data);
    else if (message.type === "error") {
      const { data = { code: "internal", message: "" } } = message;
      this.#fail(message.re ?? 0, ProtocolError.from(data));
    } else if (message.type === "ok") this.#answer(message.re ?? 0, message.data);
  }

  #answer(request: number, still: Still | undefined): void {
    if (!still || !this.#waiting.has(request)) {
      this.#done(request, undefined);
      return;
    }
    if (!pictures.test(still.media_type)) {
      this.#fail(request, new ProtocolError("bad_message", "the picture is none that browsers show"));
      return;
    }
    const before = this.#arriving?.request;
    this.#arriving = { ...still, request, parts: [], got: 0 };
    if (before !== undefined) this.#fail(before, new ProtocolError("conflict", "another picture came"));
  }

  #part(part: ArrayBuffer): void {
    const picture = this.#arriving;
    if (!picture) return;
    picture.parts.push(part);
    picture.got += part.byteLength;
    if (picture.got < picture.bytes) return;
    this.#arriving = undefined;
    if (picture.got > picture.bytes) {
      this.#fail(picture.request, new ProtocolError("bad_message", "the picture is longer than was said"));
    } else this.#done(picture.request, new Blob(picture.parts, { type: picture.media_type }));
  }

  #done(request: number, picture: Blob | undefined): void {
    this.#take(request)?.done(picture);
  }

  #fail(request: number, why: ProtocolError): void {
    this.#take(request)?.failed(why);
    if (this.#arriving?.request === request) this.#arriving = undefined;
  }

  #take(request: number): Waiting | undefined {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}
