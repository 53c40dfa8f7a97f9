import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ProtocolError } from "../src/protocol/error.ts";
import type { Speech } from "../src/session/speech.ts";
import { Talking, type TalkView } from "../src/viewer/talking.ts";

class FakeTrack {
  stopped = false;
  onended: (() => void) | null = null;
  stop(): void {
    this.stopped = true;
  }
}

class FakeSpeech {
  readonly said: string[] = [];
  refusal: ProtocolError | undefined;
  async begin(): Promise<void> {
    this.said.push("begin");
    if (this.refusal) throw this.refusal;
  }
  end(): void {
    this.said.push("end");
  }
}

let talking: Talking;
let speech: FakeSpeech;
let views: TalkView[];
let tracks: FakeTrack[];
/** What the browser says to whoever wants the microphone; undefined leaves the question open. */
let answer: (() => void) | undefined;

function allow(when: "at once" | "later" | Error = "at once"): void {
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("navigator", {
    mediaDevices: {
      getUserMedia: () =>
        new Promise((done, failed) => {
          answer = () => {
            const track = new FakeTrack();
            tracks.push(track);
            done({ getAudioTracks: () => [track] });
          };
          if (when === "at once") answer();
          else if (when !== "later") failed(when);
        }),
    },
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  views = [];
  tracks = [];
  speech = new FakeSpeech();
  talking = new Talking(() => views.push(talking.view));
  talking.use(speech as unknown as Speech);
  allow();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("talking", () => {
  it("opens the microphone while it is held, and no longer", async () => {
    await talking.start();
    expect([talking.view.state, tracks[0]?.stopped]).toEqual(["on", false]);
    talking.stop();
    expect([talking.view.state, tracks[0]?.stopped]).toEqual(["off", true]);
    expect(speech.said).toEqual(["begin", "end"]);
    expect(views.map(({ state }) => state)).toEqual(["asking", "on", "off"]);
    talking.stop();
    expect(views).toHaveLength(3);
  });

  it("says so when the browser asked for longer than the button was held", async () => {
    allow("later");
    const begun = talking.start();
    talking.stop();
    answer?.();
    await begun;
    expect(talking.view).toEqual({ state: "off", hint: "again" });
    expect([tracks[0]?.stopped, speech.said]).toEqual([true, ["end"]]);
    await vi.advanceTimersByTimeAsync(6000);
    expect(talking.view.hint).toBeUndefined();
  });

  it("has one microphone open, however often the button is pressed meanwhile", async () => {
    allow("later");
    const first = talking.start();
    const answerFirst = answer;
    talking.stop();
    const second = talking.start();
    answerFirst?.();
    await first;
    expect(talking.view).toEqual({ state: "asking", hint: undefined });
    answer?.();
    await second;
    await talking.start();
    expect(tracks.map(({ stopped }) => stopped)).toEqual([true, false]);
    expect(talking.view.state).toBe("on");
  });

  it.each([
    ["NotAllowedError", "denied"],
    ["NotFoundError", "no_microphone"],
    ["NotReadableError", "failed"],
  ])("says what %s means", async (name, hint) => {
    allow(new DOMException("", name));
    await talking.start();
    expect(talking.view).toEqual({ state: "off", hint });
  });

  it("says that it takes HTTPS", async () => {
    vi.stubGlobal("isSecureContext", false);
    await talking.start();
    expect(talking.view).toEqual({ state: "off", hint: "insecure" });
  });

  it.each([
    ["busy", "busy"],
    ["not_found", "failed"],
    ["timeout", "failed"],
  ] as const)("closes the microphone when the camera says %s", async (code, hint) => {
    speech.refusal = new ProtocolError(code, "");
    await talking.start();
    expect(talking.view).toEqual({ state: "off", hint });
    expect(tracks[0]?.stopped).toBe(true);
  });

  it("ends when the camera's loudspeaker is lost", async () => {
    const begun = talking.start();
    talking.heard(false); // the camera is still being asked
    await begun;
    talking.heard(true);
    expect(talking.view.state).toBe("on");
    talking.heard(false);
    expect(talking.view).toEqual({ state: "off", hint: "failed" });
    expect(tracks[0]?.stopped).toBe(true);
  });

  it("ends with the microphone, with the session, and where nobody may talk", async () => {
    await talking.start();
    tracks[0]?.onended?.();
    expect(talking.view.state).toBe("off");
    await talking.start();
    talking.use(undefined);
    expect([talking.view.state, tracks[1]?.stopped]).toEqual(["off", true]);
    await talking.start();
    expect(tracks).toHaveLength(2);
  });
});
