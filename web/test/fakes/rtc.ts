import { vi } from "vitest";
import { type Control, type ControlType, decodeControl } from "../../src/protocol/control.ts";

type Report = [string, Record<string, unknown>][];

/** A candidate in the statistics: its type, or all that they tell of it. */
export type End = string | { candidateType: string; protocol?: string; address?: string; port?: number };

const endOf = (end: End) => (typeof end === "string" ? { candidateType: end } : end);

/** A data channel whose other end is the test. */
export class FakeChannel {
  readyState: RTCDataChannelState = "connecting";
  binaryType = "blob";
  onopen: (() => void) | undefined;
  onclose: (() => void) | undefined;
  onmessage: ((event: { data: unknown }) => void) | undefined;
  readonly sent: Control[] = [];

  send(raw: string): void {
    if (this.readyState !== "open") throw new Error("the channel is not open");
    this.sent.push(decodeControl(raw));
  }

  /** The device listens. */
  open(): void {
    this.readyState = "open";
    this.onopen?.();
  }

  close(): void {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.onclose?.();
  }

  /** The device says something; text goes as it is. */
  say(message: Control | string | ArrayBuffer): void {
    const raw = typeof message === "string" || message instanceof ArrayBuffer;
    this.onmessage?.({ data: raw ? message : JSON.stringify(message) });
  }

  /** The device answers the newest request. */
  answer(type: "ok" | "error", data?: object): void {
    this.say({ type, re: this.sent.at(-1)?.id ?? 0, data } as Control);
  }

  /** What was sent of one type, oldest first. */
  of(type: ControlType): unknown[] {
    return this.sent.filter((message) => message.type === type).map(({ data }) => data);
  }
}

/** A browser's peer connection without a network: it records what it is told and answers what a test asks of it. */
export class FakePeer {
  static all: FakePeer[] = [];

  static get newest(): FakePeer {
    const peer = FakePeer.all.at(-1);
    if (!peer) throw new Error("no peer connection was made");
    return peer;
  }

  configuration: RTCConfiguration;
  iceConnectionState: RTCIceConnectionState = "new";
  iceGatheringState: RTCIceGatheringState = "new";
  onicecandidate: ((event: { candidate: Partial<RTCIceCandidate> | null }) => void) | undefined;
  onicegatheringstatechange: (() => void) | undefined;
  onicecandidateerror: ((event: { url: string }) => void) | undefined;
  oniceconnectionstatechange: (() => void) | undefined;
  ontrack: ((event: { track: unknown }) => void) | undefined;
  readonly iceTransport = new EventTarget();
  /** What the offer has a section for, in order. */
  readonly sections: string[] = [];
  readonly channel = new FakeChannel();
  /** The tracks that were to be sent. */
  readonly spoken: unknown[] = [];
  readonly added: RTCIceCandidateInit[] = [];
  /** The states of further candidate pairs than the selected one. */
  pairs: string[] = [];
  local: string | undefined;
  remote: string | undefined;
  closed = false;
  #offers = 0;
  #report: Report = [];

  constructor(configuration: RTCConfiguration) {
    this.configuration = configuration;
    FakePeer.all.push(this);
  }

  addTransceiver(kind: string, { direction }: { direction: string }) {
    this.sections.push(`${kind} ${direction}`);
    const replaceTrack = async (track: unknown) => {
      if (this.closed) throw new Error("the connection is closed");
      this.spoken.push(track);
    };
    return { receiver: { jitterBufferTarget: null }, sender: { replaceTrack } };
  }

  createDataChannel(label: string) {
    this.sections.push(`channel ${label}`);
    return this.channel;
  }

  async createOffer() {
    this.#offers++;
    return { type: "offer", sdp: `v=0\r\na=ice-ufrag:u${this.#offers}\r\n` };
  }

  async setLocalDescription({ sdp }: { sdp: string }) {
    this.local = sdp;
  }

  async setRemoteDescription({ sdp }: { sdp: string }) {
    this.remote = sdp;
  }

  async addIceCandidate(candidate: RTCIceCandidateInit) {
    this.added.push(candidate);
  }

  getReceivers() {
    return [{ transport: { iceTransport: this.iceTransport } }];
  }

  setConfiguration(configuration: RTCConfiguration) {
    this.configuration = configuration;
  }

  async getStats() {
    return new Map(this.#report);
  }

  close() {
    this.closed = true;
    this.channel.close();
  }

  /** Finds a candidate of the newest offer. */
  gather(candidate: string): void {
    this.onicecandidate?.({
      candidate: { candidate, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: `u${this.#offers}` },
    });
  }

  ice(state: RTCIceConnectionState): void {
    this.iceConnectionState = state;
    this.oniceconnectionstatechange?.();
  }

  /** Sets what the statistics tell: so many frames, over such a pair. Ends may be more than a type. */
  measure(frames: number, local: End = "host", remote: End = "host"): void {
    this.#report = [
      ["T", { type: "transport", selectedCandidatePairId: "P" }],
      ...this.pairs.map((state, i) => [`P${i}`, { type: "candidate-pair", state }] as Report[number]),
      ["P", { type: "candidate-pair", localCandidateId: "L", remoteCandidateId: "R", currentRoundTripTime: 0.012 }],
      ["L", { type: "local-candidate", protocol: "udp", ...endOf(local) }],
      ["R", { type: "remote-candidate", protocol: "udp", ...endOf(remote) }],
      ["C", { type: "codec", mimeType: "video/H264" }],
      [
        "V",
        {
          type: "inbound-rtp",
          kind: "video",
          codecId: "C",
          frameWidth: 1280,
          frameHeight: 720,
          framesPerSecond: 30,
          framesDecoded: frames,
          bytesReceived: frames * 8000,
          packetsReceived: frames * 8,
          packetsLost: 0,
          timestamp: Date.now(),
        },
      ],
    ];
  }
}

class FakeStream {
  readonly #tracks: { kind: string }[] = [];
  addTrack(track: { kind: string }) {
    this.#tracks.push(track);
  }
  getTracks() {
    return this.#tracks;
  }
  getAudioTracks() {
    return this.#tracks.filter(({ kind }) => kind === "audio");
  }
}

/** Puts the fakes in the browser's place, until vi.unstubAllGlobals. */
export function fakeRTC(): void {
  FakePeer.all = [];
  vi.stubGlobal("RTCPeerConnection", FakePeer);
  vi.stubGlobal("MediaStream", FakeStream);
}
