import { html, LitElement, type TemplateResult } from "lit";
import type { Door, Fallback } from "../protocol/fallback.ts";
import type { TokenProvider, ViewerOptions } from "../viewer/options.ts";
import type { State, View, Why } from "../viewer/view.ts";
import { Viewer } from "../viewer/viewer.ts";
import { type FaceActions, face } from "./face.ts";
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
 * reflects `data-state`, `data-path` and `data-transport`, and fires `sightline-state`, `sightline-path` and
 * `sightline-transport` when they change.
 */
export class SightlineCamera extends LitElement {
  static override styles = styles;
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
  #panelOpen = false;
  #muted = true;
  #audible = false;
  #quiet = false;
  #quietTimer: ReturnType<typeof setTimeout> | undefined;
  #video: HTMLVideoElement | undefined;
  #detach: (() => void) | undefined;
  readonly #actions: FaceActions = {
    toggleSound: () => this.#sound(),
    togglePanel: () => this.#show(() => (this.#panelOpen = !this.#panelOpen)),
    toggleFullscreen: () => void this.#fullscreen(),
    again: () => this.#viewer?.again(),
    touched: () => this.#touched(),
    key: (event) => this.#key(event),
  };
  readonly #redraw = () => this.requestUpdate();
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
  get pathDetails(): View["pathDetails"] | null {
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
  get stats(): View["stats"] | null {
    return this.#view.stats ?? null;
  }

  /** What the camera is called: its label, the name it enrolled with, or its device id. */
  get name(): string {
    return this.label || this.#view.name || this.device;
  }

  override connectedCallback(): void {
    this.dataset.state = this.#view.state;
    // Before anything is drawn, so that the socket opens that much sooner.
    void this.#begin();
    super.connectedCallback();
    document.addEventListener("fullscreenchange", this.#redraw);
    window.addEventListener("pagehide", this.#hide);
    window.addEventListener("pageshow", this.#back);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("fullscreenchange", this.#redraw);
    window.removeEventListener("pagehide", this.#hide);
    window.removeEventListener("pageshow", this.#back);
    clearTimeout(this.#quietTimer);
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
        panelOpen: this.#panelOpen,
        audible: this.#audible,
        muted: this.#muted,
        fullscreen: document.fullscreenElement === this,
        quiet: this.#quiet,
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
      link: this.linkOptions,
    });
    this.#viewer = viewer;
    viewer.events.on("change", (view) => this.#changed(view));
    viewer.events.on("stream", (stream) => {
      this.#audible = (stream?.getAudioTracks().length ?? 0) > 0;
    });
    if (this.#video) this.#detach = viewer.attach(this.#video);
    viewer.start();
  }

  #end(): void {
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
    if (view.state !== before.state) {
      this.dataset.state = view.state;
      this.#touched();
    }
    if (view.path !== before.path || view.pathDetails?.means !== before.pathDetails?.means) {
      this.#reflect("path", view.path);
      this.#tell("sightline-path", { path: this.path, means: view.pathDetails?.means ?? null });
    }
    const moved = view.transport !== before.transport || view.fallback !== before.fallback;
    if (moved) {
      this.#reflect("transport", view.transport);
      this.#tell("sightline-transport", { transport: this.transport, fallback: this.fallback });
    }
    if (view.state !== before.state || view.reason !== before.reason) {
      this.#tell("sightline-state", { state: this.state, reason: this.reason });
    } else if (
      view.path === before.path &&
      !this.#panelOpen &&
      view.lastSeen === before.lastSeen &&
      view.name === before.name
    ) {
      return;
    }
    this.requestUpdate();
  }

  #reflect(name: "path" | "transport", value: string | undefined): void {
    if (value) this.dataset[name] = value;
    else delete this.dataset[name];
  }

  #tell(name: string, detail: object): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
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

  #sound(): void {
    if (!this.#video || !this.#audible) return;
    this.#muted = !this.#muted;
    this.#video.muted = this.#muted;
    this.requestUpdate();
  }

  async #fullscreen(): Promise<void> {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (this.requestFullscreen) await this.requestFullscreen().catch(() => undefined);
    // An iPhone lets only the video itself fill the screen.
    else (this.#video as { webkitEnterFullscreen?: () => void } | undefined)?.webkitEnterFullscreen?.();
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "f") this.#actions.toggleFullscreen();
    else if (event.key === "m") this.#actions.toggleSound();
    else if (event.key === "i") this.#actions.togglePanel();
    else if (event.key === "Escape" && this.#panelOpen) this.#actions.togglePanel();
    else this.#touched();
  }
}
