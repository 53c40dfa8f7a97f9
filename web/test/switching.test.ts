import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Link } from "../src/link/link.ts";
import { longPoll } from "../src/link/longpoll.ts";
import { ModelHub } from "./fakes/model.ts";

const session = "0192f0c1-2b3c-7d4e-8f50-617283940a1b";
/** How long it storms, and how long it may take until all has arrived after that; tenths of a second or so. */
const storm = 1500;
const calm = 1500;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  localStorage.clear();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

it.each(upTo(12))(
  "all arrives once and in order whatever the doors do: seed %d",
  async (seed) => {
    const random = seeded(seed);
    const hub = new ModelHub(random, session);
    vi.stubGlobal("fetch", hub.fetch);
    const link = new Link({
      hub: new URL("https://hub.example"),
      token: "t-1",
      random: () => 0,
      doors: { websocket: hub.connect, long_poll: longPoll() },
      fallback: { probes: [1000, 3000], remember: 0 },
    });
    const got: number[] = [];
    const anew = vi.fn();
    link.events.on("up", ({ resumed }) => resumed || anew());
    link.hold({
      id: session,
      receive: (message) => message.type === "candidate" && got.push(message.data.mline),
      sync: () => ({ revision: 1 }),
      linkUp: () => undefined,
    });
    link.start();
    hub.weather = { upgrade: 1, loss: 0 };
    await vi.advanceTimersByTimeAsync(1000);
    let posted = 0;
    let told = 0;
    for (let tick = 0; tick < storm + calm; tick++) {
      if (tick === storm) hub.weather = { upgrade: 1, loss: 0 };
      else if (tick < storm) {
        if (random() < 0.02) {
          hub.cut();
          hub.weather = { upgrade: random() < 0.9 ? 0 : 1, loss: 0 };
        }
        if (random() < 0.02) hub.weather = { upgrade: random() < 0.3 ? 0 : 1, loss: random() < 0.3 ? 0.2 : 0 };
        if (random() < 0.02) window.dispatchEvent(new Event("online"));
        if (posted - hub.got.length < 100) {
          link.post({ type: "candidate", session, data: { revision: 1, candidate: "candidate:1", mline: posted++ } });
        }
        if (hub.roomy) hub.post(told++);
      }
      await vi.advanceTimersByTimeAsync(50 + random() * 100);
      if (tick > storm && hub.got.length === posted && got.length === told) break;
    }
    link.stop();
    expect(hub.got).toEqual(upTo(posted));
    expect(got).toEqual(upTo(told));
    expect(anew).toHaveBeenCalledTimes(1);
    expect(hub.turns.long_poll).toBeGreaterThan(2);
    expect(hub.turns.websocket).toBeGreaterThan(2);
    expect(posted).toBeGreaterThan(500);
  },
  60_000,
);
