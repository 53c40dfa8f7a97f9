import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Core } from "../src/link/core.ts";
import { decode, encode } from "../src/protocol/codec.ts";
import { ProtocolError } from "../src/protocol/error.ts";

interface Step {
  do: "send" | "receive" | "took" | "tick" | "ping" | "attach" | "reset" | "next";
  at_ms?: number;
  message?: unknown;
  want?: unknown;
  lost?: unknown[];
  handle?: boolean;
  seq?: number;
  received?: number;
  interval_ms?: number;
  error?: string;
}

const file = join(import.meta.dirname, "../../link/testdata/traces.json");
const traces: { name: string; steps: Step[] }[] = JSON.parse(readFileSync(file, "utf8"));
const start = 1_800_000_000_000;

function run(core: Core, step: Step): void {
  const now = start + (step.at_ms ?? 0);
  const message = () => decode(JSON.stringify(step.message));
  switch (step.do) {
    case "send":
      core.send(message());
      break;
    case "receive":
      expect(core.receive(message(), now)).toBe(step.handle ?? false);
      break;
    case "took":
      core.took(step.seq ?? 0, now);
      break;
    case "tick":
      core.tick(now);
      break;
    case "ping":
      core.setPing(step.interval_ms ?? 0);
      break;
    case "attach":
      core.attach(step.received ?? 0, now);
      break;
    case "reset": {
      const lost = core.reset(now).map(({ message }) => JSON.parse(encode(message)));
      expect(lost).toEqual(step.lost ?? []);
      break;
    }
    case "next": {
      const next = core.next(now);
      expect(next ? JSON.parse(encode(next)) : null).toEqual(step.want ?? null);
    }
  }
}

describe("the traces of the Go package link", () => {
  it.each(traces)("$name", ({ steps }) => {
    const core = new Core(start);
    steps.forEach((step, i) => {
      let got: string | undefined;
      try {
        run(core, step);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        got = error.code;
      }
      expect(got, `step ${i} (${step.do})`).toBe(step.error);
    });
  });
});

describe("the bounds", () => {
  const close = { type: "close", data: { reason: "viewer_left" } } as const;

  it("256 unacknowledged messages are too many", () => {
    const core = new Core(start);
    for (let i = 0; i < 256; i++) core.send(close);
    expect(() => core.send(close)).toThrowError(expect.objectContaining({ code: "too_slow" }));
  });

  it("256 KiB unacknowledged are too many", () => {
    const core = new Core(start);
    const big = { type: "describe", data: { revision: 1, kind: "offer", sdp: "a".repeat(48 << 10) } } as const;
    for (let i = 0; i < 5; i++) core.send(big);
    expect(() => core.send(big)).toThrowError(expect.objectContaining({ code: "too_slow" }));
  });

  it("one message over the limit leaves the link as it was", () => {
    const core = new Core(start);
    const huge = { type: "describe", data: { revision: 1, kind: "offer", sdp: "a".repeat(64 << 10) } } as const;
    expect(() => core.send(huge)).toThrowError(expect.objectContaining({ code: "too_large" }));
    core.send(close);
    expect(core.next(start)).toMatchObject({ seq: 1 });
  });

  it("a probe asks for a sign of life and gives up after 3 s", () => {
    const core = new Core(start);
    core.probe(start + 1000);
    core.tick(start + 1000);
    expect(core.next(start + 1000)).toMatchObject({ type: "ping" });
    core.probe(start + 3000);
    expect(core.due).toBe(start + 4000);
    expect(() => core.tick(start + 4000)).toThrowError(expect.objectContaining({ code: "timeout" }));
  });

  it("a probe that is answered changes nothing", () => {
    const core = new Core(start);
    core.probe(start + 1000);
    core.tick(start + 1000);
    core.next(start + 1000);
    core.receive({ type: "pong", data: undefined }, start + 1500);
    expect(core.probing).toBe(false);
    core.tick(start + 29_499);
    expect(() => core.tick(start + 29_500)).toThrowError(expect.objectContaining({ code: "timeout" }));
  });

  it("what proves a message is given back with it and never sent", () => {
    const core = new Core(start);
    const proof = { type: "sync", data: { revision: 0 } } as const;
    core.send(close, proof);
    expect(core.next(start)).toEqual({ ...close, seq: 1 });
    expect(core.reset(start)).toEqual([{ message: close, proof }]);
  });

  it("any interleaving of breaks and resumes delivers once and in order", () => {
    for (let seed = 1; seed <= 100; seed++) interleave(seed);
  });
});

/** Drives two cores over sockets that break at random and resume. */
function interleave(seed: number): void {
  let state = seed;
  const random = (n: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * n);
  };
  let now = start;
  const ends = [new Core(now), new Core(now)] as const;
  let wire: [string[], string[]] = [[], []];
  const sent = [0, 0];
  const got = [0, 0];
  const other = (i: 0 | 1): 0 | 1 => (i === 0 ? 1 : 0);
  const write = (i: 0 | 1) => {
    const message = ends[i].next(now);
    if (message) wire[other(i)].push(encode(message));
    return message !== undefined;
  };
  const deliver = (i: 0 | 1) => {
    const raw = wire[i].shift();
    if (raw === undefined) return false;
    const message = decode(raw);
    if (ends[i].receive(message, now)) {
      got[i] = (got[i] ?? 0) + 1;
      expect(message.id, `seed ${seed}`).toBe(got[i]);
      ends[i].took(message.seq ?? 0, now);
    }
    return true;
  };
  for (let step = 0; step < 400; step++) {
    now += 10;
    const i = random(2) as 0 | 1;
    const what = random(8);
    if (what < 2) {
      sent[i] = (sent[i] ?? 0) + 1;
      ends[i].send({ type: "extend", id: sent[i] ?? 0, data: {} });
    } else if (what < 5) write(i);
    else if (what < 7) deliver(i);
    else {
      wire = [[], []];
      const received = [ends[0].received, ends[1].received] as const;
      ends[0].attach(received[1], now);
      ends[1].attach(received[0], now);
    }
  }
  for (let moved = true; moved; ) moved = [write(0), write(1), deliver(0), deliver(1)].some(Boolean);
  expect([got[0], got[1]], `seed ${seed}`).toEqual([sent[1], sent[0]]);
}
