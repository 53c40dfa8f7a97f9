import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { longPoll } from "../src/link/longpoll.ts";
import type { Transport } from "../src/link/transport.ts";
import { PollDoor, settle, welcome } from "./fakes/door.ts";

const hello = { type: "hello", data: {} };
const candidate = (seq: number) => ({ type: "candidate", seq, data: { revision: 1, candidate: "", mline: 0 } });

let door: PollDoor;
let transport: Transport;
let got: { type: string; ack?: number; data?: { code?: string; retry_ms?: number } }[];
let closed: number[];
let signs: number;
let taken: number;

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  door = new PollDoor();
  got = [];
  closed = [];
  signs = 0;
  taken = 0;
  transport = longPoll()(new URL("https://hub.example/eu?x=y"), {
    opened: () => transport.send(JSON.stringify(hello)),
    message: (raw) => got.push(JSON.parse(raw)),
    alive: () => signs++,
    taken: () => taken,
    closed: (code) => closed.push(code),
  });
  await settle();
});
afterEach(() => {
  transport.close(4001, "");
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const send = (...messages: unknown[]) => {
  for (const message of messages) transport.send(JSON.stringify(message));
};

describe("the hello of the long poll", () => {
  it("goes alone and without authorization, to the hub's own path", async () => {
    expect(door.requests).toMatchObject([{ path: "/eu/v1/link/send", link: null, body: { messages: [hello] } }]);
  });
});

describe("a long poll", () => {
  const path = { send: "/eu/v1/link/send", poll: "/eu/v1/link/poll" };
  const polls = () => door.of(path.poll);
  const sends = () => door.of(path.send);
  const last = <T>(list: T[]): T => list.at(-1) as T;
  let response = 1;
  const deliver = (...messages: unknown[]) => last(polls()).answer(200, { response: ++response, messages });

  beforeEach(async () => {
    response = 1;
    await last(sends()).answer(200, { response: 1, messages: [welcome()] });
  });

  it("polls at once, named by what welcome brought, and says what it has", async () => {
    expect(got).toMatchObject([{ type: "welcome" }]);
    expect(polls()).toMatchObject([{ link: "Link l-1.k-1", body: { received: 0, got: 1 } }]);
    taken = 3;
    await deliver({ type: "ping" }, { type: "pong" });
    expect(got.slice(1)).toEqual([{ type: "ping" }, { type: "pong" }]);
    expect(last(polls()).body).toEqual({ received: 3, got: 2 });
    expect(signs).toBe(1);
  });

  it("sends what comes in one go in one request, and the rest after its answer", async () => {
    send(candidate(1), candidate(2));
    await settle();
    send(candidate(3), { type: "ack", ack: 9 }, { type: "ping" });
    await settle();
    expect(sends()).toHaveLength(2);
    expect(last(sends()).body.messages).toEqual([candidate(1), candidate(2)]);
    await last(sends()).answer(200, { received: 2 });
    expect(last(got)).toEqual({ type: "ack", ack: 2 });
    expect(last(sends()).body.messages).toEqual([candidate(3), { type: "ping" }]);
  });

  it("keeps to the size of a request", async () => {
    const big = { type: "candidate", data: "x".repeat(60_000) };
    send(big, big, big, big, big);
    await settle();
    expect(last(sends()).body.messages).toHaveLength(4);
    await last(sends()).answer(200, { received: 4 });
    expect(last(sends()).body.messages).toHaveLength(1);
  });

  it("repeats a send as it was when the network, or something on the way, fails it", async () => {
    send(candidate(1));
    await settle();
    const { raw } = last(sends());
    await last(sends()).fail();
    send(candidate(2));
    await vi.advanceTimersByTimeAsync(500);
    await last(sends()).answer(502, undefined, {});
    await vi.advanceTimersByTimeAsync(1000);
    await vi.advanceTimersByTimeAsync(10_000);
    await vi.advanceTimersByTimeAsync(2000);
    expect(
      sends()
        .map((request) => request.raw)
        .slice(1),
    ).toEqual([raw, raw, raw, raw]);
    expect(sends()[3]?.aborted()).toBe(true);
    await last(sends()).answer(200, { received: 1 });
    expect(last(sends()).body.messages).toEqual([candidate(2)]);
    expect(closed).toEqual([]);
  });

  it("gives up after four failures in a row", async () => {
    send(candidate(1));
    for (const wait of [500, 1000, 2000, 0]) {
      await settle();
      await last(sends()).fail();
      await vi.advanceTimersByTimeAsync(wait);
    }
    expect(closed).toEqual([1006]);
    expect(polls().at(-1)?.aborted()).toBe(true);
  });

  it("asks again for a response that was lost, and hands it over once", async () => {
    await deliver({ type: "ping" });
    await last(polls()).fail();
    await vi.advanceTimersByTimeAsync(500);
    expect(last(polls()).body.got).toBe(2);
    await last(polls()).answer(200, { response: 2, messages: [{ type: "ping" }] });
    await vi.advanceTimersByTimeAsync(500);
    expect(got).toHaveLength(2);
    await deliver({ type: "pong" });
    expect(got).toHaveLength(3);
  });

  it("ends with a response that leaves one out", async () => {
    await last(polls()).answer(200, { response: 5, messages: [] });
    expect(closed).toEqual([1006]);
  });

  it("makes no storm of something that answers by itself", async () => {
    const before = polls().length;
    for (let i = 0; i < 10; i++) {
      await last(polls()).answer(200, { response: 1, messages: [] });
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(polls().length - before).toBeLessThanOrEqual(2);
  });

  it("waits longer for a poll than the hub does, and takes an empty one as a sign of life", async () => {
    await vi.advanceTimersByTimeAsync(25_000);
    expect(last(polls()).aborted()).toBe(false);
    await deliver();
    expect(signs).toBe(1);
    expect(polls()).toHaveLength(2);
    await last(polls()).answer(204);
    expect(signs).toBe(2);
  });

  it("ends as the hub's farewell says, with its error first", async () => {
    await last(polls()).answer(410, { close: 4503, error: { code: "revoked", message: "" } });
    expect(last(got)).toMatchObject({ type: "error", data: { code: "revoked" } });
    expect(closed).toEqual([4503]);
    expect(door.requests).toHaveLength(2);
  });

  it.each([
    ["a farewell that is none", 410, {}],
    ["a receipt that is none", 200, "hello"],
    ["a refusal of the hub's", 413, undefined],
  ])("ends with %s", async (_, status, body) => {
    send(candidate(1));
    await settle();
    await last(sends()).answer(status, body);
    expect(closed).toEqual([1006]);
  });

  it("lets what was said last out when it is closed, even from a page that goes", async () => {
    send(candidate(1));
    await settle();
    send({ type: "bye" });
    transport.close(1000, "bye");
    expect(sends()).toHaveLength(3);
    expect(last(sends())).toMatchObject({
      keepalive: true,
      link: "Link l-1.k-1",
      body: { messages: [candidate(1), { type: "bye" }] },
    });
    expect(sends()[1]?.aborted()).toBe(true);
    expect(last(polls()).aborted()).toBe(true);
    expect(closed).toEqual([]);
  });

  it("says nothing more when its link has moved away", async () => {
    send(candidate(1));
    transport.close(4001, "moved");
    await settle();
    expect(sends()).toHaveLength(1);
  });

  it("does not grow without bound", async () => {
    for (let i = 1; i <= 600; i++) send(candidate(i));
    await settle();
    expect(closed).toEqual([4008]);
  });
});

describe("a hello that is refused", () => {
  it.each([429, 503])("waits as long as the hub says: %d", async (status) => {
    await door.requests[0]?.answer(status, undefined, { "X-Sightline": "1", "Retry-After": "7" });
    expect(got).toMatchObject([{ type: "error", data: { code: "rate_limited", retry_ms: 7000 } }]);
    expect(closed).toEqual([4013]);
  });

  it.each([
    ["of something in between", 503, { Server: "nginx" }],
    ["that is no answer of this door", 404, { "X-Sightline": "1" }],
  ])("ends without a word: %s", async (_, status, headers) => {
    await door.requests[0]?.answer(status, { any: "thing" }, headers as Record<string, string>);
    expect(got).toEqual([]);
    expect(closed).toEqual([1006]);
    expect(door.requests).toHaveLength(1);
  });
});
