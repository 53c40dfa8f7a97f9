import { html, LitElement, type TemplateResult } from "lit";
import type { Camera, PTZ, Rendition, RenditionName } from "../protocol/control.ts";
import type { Door, Fallback } from "../protocol/fallback.ts";
import type { TokenProvider, ViewerOptions } from "../viewer/options.ts";
import type { TalkView } from "../viewer/talking.ts";
import type { State, View, Why } from "../viewer/view.ts";
import { Viewer } from "../viewer/viewer.ts";
import { controlStyles } from "./controlstyles.ts";
import { type FaceActions, face, type Opened } from "./face.ts";
import { toggleFullscreen } from "./fullscreen.ts";
import { Hands } from "./hands.ts";
import { onKey } from "./keys.ts";
import { isSeen, showSigns } from "./signs.ts";
import { styles } from "./styles.ts";

/** The controls of a live picture go away when nobody moves for so long (milliseconds). */
const quietAfter = 3000;

const nothingYet: View = {
  state: "idle",
  reason: undefined,
  path: undefined,
  pathDetails: undefined,
  relayTime: false,
  stats: undefined,
  transport: undefined,
  fallback: undefined,
  deviceFallback: undefined,
  name: undefined,
  lastSeen: undefined,
  poster: undefined,
  camera: undefined,
  retryAt: undefined,
  talk: { state: "off", hint: undefined },
};

/**
 * `<sightline-camera>`: a device's live picture.
 *
 * Attributes: `hub` (default the page's origin), `device`, `token`, `ice` (`relay` uses relays only), `label`. It
 * reflects `data-state`, `data-path`, `data-transport` and `data-source`, and fires `sightline-state`, `sightline-path`,
 * `sightline-transport`, `sightline-camera` and `sightline-talk` when something changes.
 */
export class SightlineCamera extends LitElement {
  static override styles = [styles, controlStyles];
  static override properties = {
    hub: { type: String },
    device: { type: String },
    token: { type: String },
    ice: { type: String },
    label: { type: String },
    tokenProvider: { attribute: false },
    linkOptions: { attribute: false },
  };

  /** The hub's address; empty means the origin of the page. */
  declare hub: string;
  /** The device to look at. */
  declare device: string;
  /** The viewer token. */
  declare token: string;
  /** `relay` uses relays only; anything else leaves it to the hub. */
  declare ice: string;
  /** What to call the camera; empty means the name it enrolled with, or its device id. */
  declare label: string;
  /** Brings a new token when the one in use ends or is refused. */
  declare tokenProvider: TokenProvider | undefined;
  /** By which doors the link comes and when it changes them, for tests; counts from the next viewing on. */
  declare linkOptions: ViewerOptions["link"];

  #viewer: Viewer | undefined;
  /** What the viewing in hand was begun with; a change of it begins another. */
  #wanted = { hub: "", device: "", token: "", ice: "" };
  #view = nothingYet;
  #open: Opened | undefined;
  #muted = true;
  #audible = false;
  #quiet = false;
  #quietTimer: ReturnType<typeof setTimeout> | undefined;
  #countdown: ReturnType<typeof setTimeout> | undefined;
  #video: HTMLVideoElement | undefined;
  #detach: (() => void) | undefined;
  readonly #hands: Hands;
  readonly #actions: FaceActions = {
    toggleSound: () => this.#sound(),
    toggle: (what) => this.#toggle(what),
    toggleFullscreen: () => void toggleFullscreen(this, this.#video),
    again: () => this.#viewer?.again(),
    touched: () => this.#touched(),
    pressed: (event) => this.#pressed(event),
    left: (event) => {
      if (!this.renderRoot.contains(event.relatedTarget as Node | null)) this.#hands.release();
    },
    key: (event) => this.#key(event),
    keyUp: (event) => this.#key(event),
    talk: (on) => this.#hands.holdToTalk(on),
    snapshot: () => void this.#hands.save(),
    choose: (rendition) => {
      this.#hands.choose(rendition);
      this.#toggle("menu");
    },
    hold: (move) => this.#hands.moving.hold(move),
    letGo: (move) => this.#hands.moving.release(move),
    home: () => this.#hands.move({ pan: 0, tilt: 0, zoom: 0, home: true }),
  };
  readonly #redraw = () => this.requestUpdate();
  readonly #letGo = () => this.#hands.release();
  readonly #hide = () => this.#viewer?.stop();
  readonly #back = (event: PageTransitionEvent) => {
    if (event.persisted) this.#viewer?.start();
  };

  constructor() {
    super();
    this.hub = "";
    this.device = "";
    this.token = "";
    this.ice = "";
    this.label = "";
    this.tokenProvider = undefined;
    this.linkOptions = undefined;
    const element = this;
    this.#hands = new Hands({
      get viewer() {
        return element.#viewer;
      },
      get video() {
        return element.#video;
      },
      get name() {
        return element.name;
      },
      redraw: this.#redraw,
    });
  }

  /** `idle`, `connecting`, `live`, `waiting` or `closed`. */
  get state(): State {
    return this.#view.state;
  }

  /** Why the state is what it is: an end reason, an error code, `link_lost`, `stalled` or `unsupported`; else null. */
  get reason(): Why | null {
    return this.#view.reason ?? null;
  }

  /** `direct` or `relay`; null while there is no path. */
  get path(): "direct" | "relay" | null {
    return this.#view.path ?? null;
  }

  /** What made the path, when it and the direct one came, and why it is a relay's; null while there is no path. */
  get pathDetails(): NonNullable<View["pathDetails"]> | null {
    return this.#view.pathDetails ?? null;
  }

  /** What carries the signaling: `websocket` or `long_poll`; null while the server cannot be reached. */
  get transport(): Door | null {
    return this.#view.transport ?? null;
  }

  /** Why that is not the WebSocket, as a reason and a detail for people; null when it is. */
  get fallback(): Fallback | null {
    return this.#view.fallback ?? null;
  }

  /** Figures of the picture; null before there is one. */
  get stats(): NonNullable<View["stats"]> | null {
    return this.#view.stats ?? null;
  }

  /** What the camera is called: its label, the name it enrolled with, or its device id. */
  get name(): string {
    return this.label || this.#view.name || this.device;
  }

  /** How the camera is, and what it can do; null while nobody tells. */
  get camera(): Camera | null {
    return this.#view.camera ?? null;
  }

  /** The renditions that the camera offers this viewer, the best first. */
  get renditions(): readonly Rendition[] {
    return this.#view.camera?.renditions ?? [];
  }

  /** The rendition that the camera sends; null while that is not known. Setting null leaves the choice to the camera. */
  get rendition(): RenditionName | null {
    return this.#view.camera?.rendition ?? null;
  }

  set rendition(name: RenditionName | null) {
    this.#hands.choose(name ?? undefined);
  }

  /** Whether this viewer is heard at the camera, and why not. */
  get talking(): TalkView {
    return this.#view.talk;
  }

  /**
   * Begins to be heard at the camera, for as long as it is not ended: the microphone is open exactly so long. It settles
   * when `talking` says what came of it.
   */
  talk(on: boolean): Promise<void> {
    return this.#hands.talk(on);
  }

  /** Takes a still picture: the camera's own where it makes one, else the frame that is shown. Fails where there is none. */
  snapshot(): Promise<Blob> {
    return this.#hands.snapshot();
  }

  /**
   * Moves the camera at speeds from -1 to 1 (right, up and closer are positive), for a second at most unless it is called
   * again; without any it stops. `home` takes it to its home position.
   */
  move({ pan = 0, tilt = 0, zoom = 0, home }: Partial<PTZ> = {}): void {
    this.#hands.move(home ? { pan: 0, tilt: 0, zoom: 0, home } : { pan, tilt, zoom });
  }

  override connectedCallback(): void {
    this.dataset.state = this.#view.state;
    // Before anything is drawn, so that the socket opens that much sooner.
    void this.#begin();
    super.connectedCallback();
    document.addEventListener("fullscreenchange", this.#redraw);
    document.addEventListener("visibilitychange", this.#letGo);
    window.addEventListener("blur", this.#letGo);
    window.addEventListener("pagehide", this.#hide);
    window.addEventListener("pageshow", this.#back);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("fullscreenchange", this.#redraw);
    document.removeEventListener("visibilitychange", this.#letGo);
    window.removeEventListener("blur", this.#letGo);
    window.removeEventListener("pagehide", this.#hide);
    window.removeEventListener("pageshow", this.#back);
    clearTimeout(this.#quietTimer);
    clearTimeout(this.#countdown);
    this.#end();
  }

  protected override firstUpdated(): void {
    this.#video = this.renderRoot.querySelector("video") ?? undefined;
    // The attribute alone does not mute an element that a script has made.
    if (!this.#video) return;
    this.#video.muted = true;
    this.#detach = this.#viewer?.attach(this.#video);
  }

  protected override updated(): void {
    this.#count();
    const { hub, device, token, ice } = this;
    const before = this.#wanted;
    if (before.hub === hub && before.device === device && before.ice === ice) {
      if (before.token === token) return;
      if (this.#viewer && token) {
        this.#wanted = { hub, device, token, ice };
        this.#viewer.setToken(token);
        return;
      }
    }
    this.#end();
    void this.#begin();
  }

  protected override render(): TemplateResult {
    return face(
      this.#view,
      {
        name: this.name,
        open: this.#open,
        audible: this.#audible,
        muted: this.#muted,
        fullscreen: document.fullscreenElement === this,
        quiet: this.#quiet,
        word: this.#hands.word,
        moves: (move) => this.#hands.moving.is(move),
      },
      this.#actions,
      html`<video part="video" muted autoplay playsinline disablepictureinpicture></video>`,
    );
  }

  async #begin(): Promise<void> {
    if (this.#viewer) return;
    const { hub, device, token: given, ice } = this;
    const wanted = { hub, device, token: given, ice };
    this.#wanted = wanted;
    if (!device || !this.isConnected) return;
    const token = given || (await this.tokenProvider?.());
    if (!token || !this.isConnected || this.#wanted !== wanted || this.#viewer) return;
    const viewer = new Viewer({
      hub: new URL(hub || location.origin, location.href),
      device,
      token,
      tokenProvider: (why) => this.tokenProvider?.(why),
      relayOnly: ice === "relay",
      poster: true,
      link: this.linkOptions,
    });
    this.#viewer = viewer;
    this.#hands.takeUp(viewer);
    viewer.events.on("change", (view) => this.#changed(view));
    viewer.events.on("stream", (stream) => {
      this.#audible = (stream?.getAudioTracks().length ?? 0) > 0;
    });
    if (this.#video) this.#detach = viewer.attach(this.#video);
    viewer.start();
  }

  #end(): void {
    this.#hands.release();
    const viewer = this.#viewer;
    this.#viewer = undefined;
    this.#detach?.();
    this.#detach = undefined;
    viewer?.stop();
    this.#changed(nothingYet);
  }

  #changed(view: View): void {
    const before = this.#view;
    this.#view = view;
    if (view.state !== before.state) this.#touched();
    showSigns(this, before, view);
    if (isSeen(before, view, this.#open === "panel")) this.requestUpdate();
  }

  /** Redraws every second while the time to the next try is shown. */
  #count(): void {
    clearTimeout(this.#countdown);
    if (this.isConnected && this.#view.retryAt) this.#countdown = setTimeout(this.#redraw, 1000);
  }

  #toggle(what: Opened): void {
    this.#open = this.#open === what ? undefined : what;
    if (this.#open !== "pad") this.#hands.moving.stop();
    this.requestUpdate();
    if (what !== "menu") return;
    const next = this.#open ? "#menu [aria-checked=true]" : ".quality";
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(next)?.focus());
  }

  #show(change: () => void): void {
    change();
    this.requestUpdate();
  }

  #touched(): void {
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => this.#show(() => (this.#quiet = true)), quietAfter);
    if (this.#quiet) this.#show(() => (this.#quiet = false));
  }

  /** Shows the controls; a press beside the menu closes it. */
  #pressed(event: PointerEvent): void {
    this.#touched();
    const inside = event.composedPath().some((node) => node instanceof Element && node.matches(".menu, .quality"));
    // Without the focus: that goes to what was pressed.
    if (this.#open === "menu" && !inside) this.#show(() => (this.#open = undefined));
  }

  #sound(): void {
    if (!this.#video || !this.#audible) return;
    this.#muted = !this.#muted;
    this.#video.muted = this.#muted;
    this.requestUpdate();
  }

  #key(event: KeyboardEvent): void {
    onKey(event, { camera: this.#view.camera, open: this.#open }, this.#actions);
  }
}
