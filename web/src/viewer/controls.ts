import type { Camera, PTZ, RenditionName, Viewport } from "../protocol/control.ts";
import { ProtocolError } from "../protocol/error.ts";
import type { Session } from "../session/session.ts";
import { Talking, type TalkView } from "./talking.ts";

/** What a device tells of its camera, as a person sees it. */
export interface CameraView {
  /** Undefined until the device has told, which one without a control channel never does. */
  readonly camera: Camera | undefined;
  /** When a source that is down is tried again. */
  readonly retryAt: Date | undefined;
  readonly talk: TalkView;
}

/** What a viewer can do with its camera beside looking, in whatever session there is. */
export class Controls {
  readonly #changed: () => void;
  readonly #talking: Talking;
  #session: Session | undefined;
  #camera: Camera | undefined;
  #retryAt: Date | undefined;
  /** What the next session is told too. */
  #viewport: Viewport | undefined;
  #choice: RenditionName | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
    this.#talking = new Talking(changed);
  }

  /** What a person should know now. */
  get view(): CameraView {
    return { camera: this.#camera, retryAt: this.#retryAt, talk: this.#talking.view };
  }

  /** Belongs to another session from now on, or to none. */
  use(session: Session | undefined): void {
    this.#session = session;
    this.#camera = undefined;
    this.#retryAt = undefined;
    this.#talking.use(session?.speech);
    if (!session) return;
    if (this.#viewport) session.control.see(this.#viewport);
    session.events.on("listening", () => {
      if (this.#choice) session.control.tell("rendition", { rendition: this.#choice });
    });
    session.events.on("camera", (camera) => {
      if (session !== this.#session) return;
      this.#camera = camera;
      const wait = camera?.source === "up" ? undefined : camera?.retry_ms;
      this.#retryAt = wait ? new Date(Date.now() + wait) : undefined;
      this.#talking.heard(camera?.talking ?? false);
      this.#changed();
    });
  }

  /** Tells how large the picture is shown. */
  see(viewport: Viewport): void {
    this.#viewport = viewport;
    this.#session?.control.see(viewport);
  }

  /** Asks for a rendition, in later sessions too; undefined leaves the choice to the device. */
  choose(rendition: RenditionName | undefined): void {
    this.#choice = rendition;
    this.#session?.control.tell("rendition", rendition ? { rendition } : {});
  }

  /** Moves the camera at these speeds, for a second at most unless it is told again; all zero stops. */
  move(ptz: PTZ): void {
    this.#session?.control.tell("ptz", ptz);
  }

  /** Asks the camera for a still picture. Fails with a ProtocolError. */
  async snapshot(): Promise<Blob> {
    if (!this.#session || !this.#camera?.snapshot) throw new ProtocolError("not_found", "the camera makes no stills");
    return this.#session.control.snapshot();
  }

  /** Begins to be heard at the camera, or ends it. It settles when the view says what came of it. */
  async talk(on: boolean): Promise<void> {
    if (on) await this.#talking.start();
    else this.#talking.stop();
  }
}
