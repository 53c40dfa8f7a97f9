import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Camera,
  CONTROL_LABEL,
  CONTROLS,
  decodeControl,
  encodeControl,
  RENDITIONS,
} from "../src/protocol/control.ts";
import { ProtocolError } from "../src/protocol/error.ts";
import { LIMITS } from "../src/protocol/limits.ts";
import { ControlChannel } from "../src/session/control.ts";
import { Speech } from "../src/session/speech.ts";
import { FakePeer } from "./fakes/rtc.ts";

const protocol = join(import.meta.dirname, "../../protocol");
const golden = join(protocol, "testdata/control");
const source = readFileSync(join(protocol, "control.go"), "utf8");
const strings = (pattern: RegExp) => [...source.matchAll(pattern)].map((match) => match[1]);

describe("the golden controls", () => {
  const files = readdirSync(golden);

  it.each(files)("%s reads and writes without loss", (name) => {
    const raw = readFileSync(join(golden, name), "utf8");
    expect(JSON.parse(encodeControl(decodeControl(raw)))).toEqual(JSON.parse(raw));
  });

  it("cover every control", () => {
    const types = new Set(files.map((name) => decodeControl(readFileSync(join(golden, name), "utf8")).type));
    expect([...types].sort()).toEqual([...CONTROLS].sort());
  });
});

describe("the lists are those of the Go package", () => {
  it("controls and renditions", () => {
    expect(strings(/^\tControl\w+\s+ControlType = "(\w+)"/gm).sort()).toEqual([...CONTROLS].sort());
    expect(strings(/^\tRendition\w+\s+RenditionName = "(\w+)"/gm)).toEqual([...RENDITIONS]);
  });

  it("the label and the limits", () => {
    expect(source).toContain(`ControlLabel = "${CONTROL_LABEL}"`);
    expect(source).toMatch(/MaxControlBytes = 16 << 10[\s\S]*MaxSnapshotBytes = 1 << 20[\s\S]*ControlsPerSecond = 20/);
    expect([LIMITS.controlBytes, LIMITS.snapshotBytes, LIMITS.controlsPerSecond]).toEqual([16 << 10, 1 << 20, 20]);
  });
});

describe("decodeControl", () => {
  it.each([
    ["{", "bad_message"],
    ["[]", "bad_message"],
    ['{"type":"reboot"}', "unknown_type"],
    ['{"type":"toString"}', "unknown_type"],
    ['{"type":"view","data":{"width":-1,"height":1}}', "bad_message"],
    ['{"type":"rendition","data":{"rendition":"4k"}}', "bad_message"],
    ['{"type":"ptz","data":{"pan":1.5,"tilt":0,"zoom":0}}', "invalid"],
    ['{"type":"status","data":{"source":"asleep","renditions":[]}}', "bad_message"],
    ['{"type":"ok","re":1,"data":{"media_type":"image/jpeg","bytes":1048577}}', "too_large"],
    [" ".repeat(LIMITS.controlBytes + 1), "too_large"],
  ])("refuses %.60s", (raw, want) => {
    expect(() => decodeControl(raw)).toThrow(expect.objectContaining({ code: want }));
  });

  it("ignores fields of a newer device and reads null lists as empty ones", () => {
    const raw = '{"type":"status","data":{"source":"up","renditions":null,"mood":"fine"},"colour":1}';
    expect(decodeControl(raw).data).toEqual({ source: "up", renditions: [] });
  });
});

describe("the control channel", () => {
  let peer: FakePeer;
  let channel: ControlChannel;
  let cameras: Camera[];
  let opened: number;
  let closed: number;

  beforeEach(() => {
    vi.useFakeTimers();
    peer = new FakePeer({});
    cameras = [];
    opened = 0;
    closed = 0;
    channel = new ControlChannel(peer as unknown as RTCPeerConnection, {
      open: () => opened++,
      status: (camera) => cameras.push(camera),
      closed: () => closed++,
    });
  });
  afterEach(() => vi.useRealTimers());

  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => "done",
      (why: unknown) => (why instanceof ProtocolError ? why.code : String(why)),
    );
  const bytes = (...values: number[]) => new Uint8Array(values).buffer;

  it("tells the newest size as soon as the device listens, and each size once", () => {
    channel.see({ width: 300, height: 200 });
    channel.see({ width: 640, height: 360 });
    expect(peer.channel.sent).toEqual([]);
    peer.channel.open();
    channel.see({ width: 640, height: 360 });
    channel.see({ width: 0, height: 0 });
    expect([opened, peer.channel.of("view")]).toEqual([
      1,
      [
        { width: 640, height: 360 },
        { width: 0, height: 0 },
      ],
    ]);
  });

  it("tells the camera's status, and drops what it cannot read", () => {
    peer.channel.open();
    const status: Camera = { source: "down", renditions: [], retry_ms: 4000, why: "no route" };
    for (const strange of ["{", '{"type":"dance"}', new ArrayBuffer(3)]) peer.channel.say(strange);
    peer.channel.say({ type: "status", data: status });
    expect(cameras).toEqual([status]);
  });

  it("settles each request with its own answer", async () => {
    peer.channel.open();
    const answers = [channel.ask("talk", { on: true }), channel.ask("rendition", { rendition: "sub" })].map(code);
    const [first, second] = peer.channel.sent;
    peer.channel.say({
      type: "error",
      re: first?.id ?? 0,
      data: { code: "busy", message: "somebody else is talking" },
    });
    peer.channel.say({ type: "ok", re: 99 });
    peer.channel.say({ type: "ok", re: second?.id ?? 0 });
    expect(await Promise.all(answers)).toEqual(["busy", "done"]);
  });

  it("fails at once where the device does not listen, when no answer comes, and when it is gone", async () => {
    expect(await code(channel.ask("talk", { on: true }))).toBe("offline");
    channel.tell("ptz", { pan: 1, tilt: 0, zoom: 0 });
    peer.channel.open();
    const late = code(channel.snapshot());
    await vi.advanceTimersByTimeAsync(8000);
    expect(await late).toBe("timeout");
    const cut = code(channel.snapshot());
    peer.close();
    expect(await cut).toBe("offline");
    expect(peer.channel.of("ptz")).toEqual([]);
    expect([vi.getTimerCount(), closed]).toEqual([0, 1]);
  });

  it("puts a snapshot together", async () => {
    peer.channel.open();
    const picture = channel.snapshot();
    peer.channel.say(bytes(9, 9)); // of a request that was given up
    peer.channel.answer("ok", { media_type: "image/jpeg", bytes: 5 });
    peer.channel.say(bytes(1, 2, 3));
    peer.channel.say(bytes(4, 5));
    const blob = await picture;
    expect([blob.type, [...new Uint8Array(await blob.arrayBuffer())]]).toEqual(["image/jpeg", [1, 2, 3, 4, 5]]);
  });

  it.each([
    ["no picture", undefined, [], "bad_message"],
    ["something that is no picture", { media_type: "text/html", bytes: 3 }, [3], "bad_message"],
    ["more than was said", { media_type: "image/jpeg", bytes: 3 }, [2, 2], "bad_message"],
    ["less than was said", { media_type: "image/jpeg", bytes: 3 }, [2], "timeout"],
  ])("takes no snapshot with %s", async (_, still, parts, want) => {
    peer.channel.open();
    const got = code(channel.snapshot());
    peer.channel.answer("ok", still);
    for (const length of parts) peer.channel.say(new ArrayBuffer(length));
    await vi.advanceTimersByTimeAsync(8000);
    expect(await got).toBe(want);
  });

  describe("speech", () => {
    const track = { kind: "audio" } as MediaStreamTrack;
    let speech: Speech;

    beforeEach(() => {
      speech = new Speech(peer.addTransceiver("audio", { direction: "sendonly" }).sender as RTCRtpSender, channel);
      peer.channel.open();
    });

    it("is sent only once the camera listens, and no longer than that", async () => {
      const begun = speech.begin(track);
      expect(peer.spoken).toEqual([]);
      peer.channel.answer("ok");
      await begun;
      expect(peer.spoken).toEqual([track]);
      speech.end();
      speech.end();
      expect(peer.spoken).toEqual([track, null]);
      expect(peer.channel.of("talk")).toEqual([{ on: true }, { on: false }]);
    });

    it("is not sent when it ended while the camera was asked", async () => {
      const begun = speech.begin(track);
      speech.end();
      peer.channel.say({ type: "ok", re: 1 });
      await begun;
      expect(peer.spoken).toEqual([null]);
    });

    it("is not sent to a camera that refuses", async () => {
      const begun = code(speech.begin(track));
      peer.channel.answer("error", { code: "busy", message: "" });
      expect([await begun, peer.spoken]).toEqual(["busy", []]);
    });
  });
});
