import { Emitter } from "../emitter.ts";
import { closeFor, codeOf, mayReconnect } from "../protocol/close.ts";
import { decode, encode, UnknownType } from "../protocol/codec.ts";
import type { Draft, Envelope } from "../protocol/envelope.ts";
import { ProtocolError } from "../protocol/error.ts";
import type { Goaway, Hello, Welcome } from "../protocol/handshake.ts";
import { LIMITS, TIMES, VERSION } from "../protocol/limits.ts";
import type { Reason } from "../protocol/reason.ts";
import { Backoff } from "./backoff.ts";
import { Core } from "./core.ts";
import type { Holder, LinkEvents, LinkOptions, LinkStatus } from "./options.ts";
import type { Outgoing, Parcel } from "./outbox.ts";
import { Repairs } from "./repairs.ts";
import { type Answer, Requests } from "./requests.ts";
import type { Transport } from "./transport.ts";
import { onWake } from "./wake.ts";
import { webSocket } from "./websocket.ts";

/** Waking up tries again at once, but not more often than this (milliseconds). */
const wakeEvery = 500;
/** A socket that has not come to a welcome in this time is given up when the page wakes (milliseconds). */
const slowDial = 3000;
/** A timer so late means that the page slept, not that the hub was silent (milliseconds). */
const slept = 2000;
/** How many closes outlive a link whose queue was full: half a queue, so that their syncs have room too. */
const mostCloses = LIMITS.unacked / 2;

type Timer = ReturnType<typeof setTimeout>;

/**
 * A viewer's durable connection to a hub. Sockets come and go under it; what is posted arrives once and in order while
 * the link resumes, and sessions repair their state when it could not.
 */
export class Link {
  readonly events = new Emitter<LinkEvents>();
  readonly #options: LinkOptions;
  readonly #core = new Core(Date.now());
  readonly #requests = new Requests();
  readonly #backoff: Backoff;
  readonly #repairs = new Repairs();
  readonly #holders = new Map<string, Holder>();
  #status: LinkStatus = "idle";
  #token: string;
  /** Whether the token was renewed since the hub last took one: a second refusal in a row is final. */
  #renewed = false;
  #transport: Transport | undefined;
  /** What proves that the link is ours when it resumes; kept in memory only, so a duplicated tab is another client. */
  #resume: { link: string; key: string } | undefined;
  /** What the hub said was wrong before it closed. */
  #fault: ProtocolError | undefined;
  #notBefore = 0;
  #upSince = 0;
  #lastDial = 0;
  #pingMs: number = TIMES.pingBusy;
  #clockAhead = 0;
  #tickTimer: Timer | undefined;
  #dialTimer: Timer | undefined;
  #moveTimer: Timer | undefined;
  #unwake: (() => void) | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#token = options.token;
    this.#backoff = new Backoff(options.random);
  }

  /** Where the link stands. */
  get status(): LinkStatus {
    return this.#status;
  }

  /** The hub's clock in milliseconds, as far as its last welcome told. */
  get hubNow(): number {
    return Date.now() + this.#clockAhead;
  }

  /** Opens the first socket at once. Does nothing when started already. */
  start(): void {
    if (this.#status !== "idle" && this.#status !== "stopped") return;
    this.#unwake ??= onWake({ woke: () => this.#wake(), offline: () => this.#probe() });
    this.#backoff.reset();
    this.#renewed = false;
    this.#dial();
  }

  /** Says bye, which ends the link's sessions on the hub, and closes the socket. */
  stop(): void {
    if (this.#status === "up") {
      this.#core.send({ type: "bye", data: undefined });
      this.#flush();
    }
    this.#drop(1000, "bye");
    this.#resume = undefined;
    this.#unwake?.();
    this.#unwake = undefined;
    this.#status = "idle";
  }

  /** Uses another token from the next socket on. A link that was stopped starts again. */
  setToken(token: string): void {
    this.#token = token;
    if (this.#status === "stopped") this.start();
  }

  /** Leaves the socket and comes back as a new link, with the token it has now. */
  renew(): void {
    if (this.#status !== "up" && this.#status !== "connecting") return;
    this.#resume = undefined;
    this.#drop(1000, "renew");
    this.#dial();
  }

  /** Sends a message, now or when the link is up again. */
  post(draft: Draft): void {
    this.#queue({ message: draft });
    this.#flush();
  }

  /** Ends a session on the hub, which the owner proves to be ours should the link have to start anew before it knows. */
  close(session: string, reason: Reason, owner: string): void {
    const proof: Draft<"sync"> = { type: "sync", session, data: { revision: 0, owner } };
    this.#queue({ message: { type: "close", session, data: { reason } }, proof });
    this.#flush();
  }

  /** Sends a request; the answer comes once, before anything else that the hub sends after it. */
  request(draft: Draft, answer: Answer): void {
    this.#queue({ message: this.#requests.add(draft, answer) });
    this.#flush();
  }

  /** Hands a session its messages until the returned function is called. */
  hold(holder: Holder): () => void {
    this.#holders.set(holder.id, holder);
    this.#setPing();
    return () => {
      this.#requests.drop(holder.id);
      this.#holders.delete(holder.id);
      this.#setPing();
    };
  }

  #dial(): void {
    clearTimeout(this.#dialTimer);
    this.#status = "connecting";
    this.#lastDial = Date.now();
    this.#fault = undefined;
    const connect = this.#options.connect ?? webSocket;
    const transport = connect(this.#options.hub, {
      opened: () => transport.send(encode({ type: "hello", data: this.#hello() })),
      message: (raw) => this.#read(raw),
      closed: (code) => this.#lost(code),
    });
    this.#transport = transport;
    // A middlebox may answer 101 and then swallow everything: what brings no welcome has failed.
    this.#tickTimer = setTimeout(() => this.#fail(new ProtocolError("timeout", "no welcome came")), TIMES.hello);
  }

  #hello(): Hello {
    const hello: Hello = {
      version: VERSION,
      role: "viewer",
      token: this.#token,
      client: this.#options.client ?? { name: "sightline-web" },
    };
    if (this.#resume) hello.resume = { ...this.#resume, received: this.#core.received };
    return hello;
  }

  #read(raw: string): void {
    const now = Date.now();
    try {
      const message = decode(raw);
      if (this.#status !== "up") this.#greet(message, now);
      else if (this.#core.receive(message, now)) {
        this.#handle(message);
        this.#core.took(message.seq ?? 0, now);
      }
    } catch (error) {
      if (error instanceof UnknownType && this.#status === "up") this.#refuse(error, now);
      else if (error instanceof ProtocolError) this.#fail(error);
      else throw error;
    }
    this.#flush();
  }

  /** Takes the first message of a socket: welcome, or the error that says why not. */
  #greet(message: Envelope, now: number): void {
    if (message.type === "error") {
      this.#fault = ProtocolError.from(message.data);
      return;
    }
    if (message.type !== "welcome") throw new ProtocolError("bad_message", `${message.type} came before welcome`);
    const welcome: Welcome = message.data;
    const { resumed } = welcome;
    if (resumed && welcome.link !== this.#resume?.link) {
      throw new ProtocolError("sequence", "the hub resumed a link that this client did not name");
    }
    clearTimeout(this.#tickTimer);
    if (resumed) this.#core.attach(welcome.received, now);
    else this.#repairs.begin(this.#lose(now, welcome.grant));
    this.#status = "up";
    this.#upSince = now;
    this.#renewed = false;
    this.#notBefore = 0;
    this.#clockAhead = Date.parse(welcome.now) - now;
    this.#pingMs = welcome.ping_s * 1000;
    this.#setPing();
    // Even a hub that cannot resume a link learns from it whose old socket it may close.
    this.#resume = { link: welcome.link, key: welcome.key };
    const held = [...this.#holders.values()];
    this.events.emit("up", welcome);
    for (const holder of held) holder.linkUp(welcome);
    if (!resumed) this.#repairs.plan(held, (holder) => this.#holders.get(holder.id) === holder);
  }

  #handle(message: Envelope): void {
    if (message.type === "goaway") this.#goaway(message.data);
    else if (message.type === "error" && !message.re) this.#blame(message);
    else if (message.re) this.#requests.answer(message);
    else {
      const holder = message.session === undefined ? undefined : this.#holders.get(message.session);
      if (holder) holder.receive(message);
      else this.events.emit("message", message);
    }
  }

  /** Notes what is wrong with the link itself; an error that names a session is only about a message of it. */
  #blame({ session, data }: Envelope<"error">): void {
    if (session === undefined) this.#fault = ProtocolError.from(data);
  }

  #refuse(unknown: UnknownType, now: number): void {
    const { seq = 0, ack = 0, id } = unknown.head;
    if (!this.#core.receiveUnknown(seq, ack, now)) return;
    const data = { code: unknown.code, message: unknown.message };
    this.#queue({ message: id === undefined ? { type: "error", data } : { type: "error", re: id, data } });
    this.#core.took(seq, now);
  }

  /** Comes back at a moment of its own within the hub's slot, so that a drain does not become a stampede. */
  #goaway({ after_ms, deadline_ms }: Goaway): void {
    const random = this.#options.random ?? Math.random;
    this.#notBefore = Date.now() + after_ms;
    clearTimeout(this.#moveTimer);
    this.#moveTimer = setTimeout(
      () => {
        this.#drop(1000, "moving");
        this.#lost(1000);
      },
      after_ms + random() * Math.max(0, deadline_ms - after_ms),
    );
  }

  #queue(parcel: Parcel): void {
    try {
      if (this.#repairs.waiting && mustArrive(parcel.message)) this.#repairs.add(parcel);
      else this.#core.send(parcel.message, parcel.proof);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== "too_slow") throw error;
      this.#overflow(parcel, error);
    }
  }

  /** Gives the link up: requests and closes are sent again on a new one, the rest is repaired by sync. */
  #overflow(parcel: Parcel, error: ProtocolError): void {
    this.#resume = undefined;
    const closes = [...this.#lose(Date.now()), parcel].filter(({ message }) => message.type === "close");
    for (const { message, proof } of closes.slice(-mostCloses)) this.#core.send(message, proof);
    if (this.#transport) this.#fail(error);
  }

  /** Empties the queues, and returns what has to be sent again on a new link. */
  #lose(now: number, grant?: string): Parcel[] {
    const lost = this.#core.reset(now);
    return this.#requests.again([...lost, ...this.#repairs.clear()], grant);
  }

  #flush(): void {
    if (this.#status !== "up") return;
    const now = Date.now();
    for (;;) {
      while (this.#core.roomy) {
        const repair = this.#repairs.next();
        if (!repair) break;
        this.#core.send(repair.message, repair.proof);
      }
      const message = this.#core.next(now);
      if (!message) break;
      this.#transport?.send(encode(message));
    }
    clearTimeout(this.#tickTimer);
    this.#tickTimer = setTimeout(() => this.#tick(), Math.max(0, this.#core.due - now));
  }

  #tick(): void {
    const now = Date.now();
    if (now - this.#core.due >= slept) this.#core.probe(now);
    try {
      this.#core.tick(now);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error);
    }
    this.#flush();
  }

  #fail(error: ProtocolError): void {
    if (error.code !== "timeout") this.#resume = undefined;
    this.#drop(closeFor(error.code), error.code);
    this.#lost(closeFor("going_away"));
  }

  #drop(code: number, reason: string): void {
    for (const timer of [this.#tickTimer, this.#dialTimer, this.#moveTimer]) clearTimeout(timer);
    this.#dialTimer = undefined;
    this.#transport?.close(code, reason);
    this.#transport = undefined;
  }

  #lost(code: number): void {
    this.#drop(1000, "");
    const now = Date.now();
    const up = this.#status === "up";
    if (up) this.#backoff.lived(now - this.#upSince);
    this.#status = "down";
    const fault = this.#fault;
    this.#fault = undefined;
    if (!mayReconnect(code)) {
      void this.#ask(fault ?? new ProtocolError(codeOf(code), `the hub closed the link with ${code}`));
      return;
    }
    this.#notBefore = Math.max(this.#notBefore, now + (fault?.retryMs ?? 0));
    // A socket that did not outlive the sleep of its page is replaced at once.
    this.#again(up && this.#core.probing && now - this.#lastDial >= wakeEvery ? 0 : this.#backoff.next());
  }

  #again(wait: number): void {
    const retryMs = Math.max(wait, this.#notBefore - Date.now());
    this.#dialTimer = setTimeout(() => this.#dial(), retryMs);
    this.events.emit("down", { retryMs });
  }

  /** Asks for another token after a refusal; without one, or when that is refused too, the link stops. */
  async #ask(why: ProtocolError): Promise<void> {
    this.#resume = undefined;
    const asked = this.#renewed || why.code === "version" ? undefined : this.#options.renewToken;
    const token = await asked?.(why).catch(() => undefined);
    if (this.#status !== "down") return;
    if (token) {
      this.#token = token;
      this.#renewed = true;
      this.#again(this.#backoff.next());
      return;
    }
    this.#status = "stopped";
    this.events.emit("stopped", why);
  }

  /** Makes sure of the socket, or replaces the wait for the next one. */
  #wake(): void {
    const now = Date.now();
    const waits = this.#status === "down" && this.#dialTimer && now - this.#lastDial >= wakeEvery;
    const hangs = this.#status === "connecting" && now - this.#lastDial >= slowDial;
    if (hangs) this.#drop(1000, "woke");
    if (hangs || (waits && now >= this.#notBefore)) this.#dial();
    else this.#probe();
  }

  #probe(): void {
    if (this.#status !== "up") return;
    this.#core.probe(Date.now());
    this.#tick();
  }

  #setPing(): void {
    this.#core.setPing(this.#holders.size > 0 ? Math.min(this.#pingMs, TIMES.pingBusy) : this.#pingMs);
  }
}

/** Whether a message is sent again when its link could not be resumed. */
function mustArrive({ id, type }: Outgoing): boolean {
  return id !== undefined || type === "close";
}
