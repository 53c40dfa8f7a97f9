import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  CLASSES,
  CLOSE,
  CODES,
  classOf,
  decode,
  encode,
  FALLBACK_REASONS,
  LIMITS,
  mayReconnect,
  ProtocolError,
  REASONS,
  TRANSPORTS,
  UnknownType,
} from "../src/protocol/index.ts";
import { AFTERWARDS } from "../src/viewer/afterwards.ts";

const protocol = join(import.meta.dirname, "../../protocol");
const golden = join(protocol, "testdata");
const source = (file: string) => readFileSync(join(protocol, file), "utf8");
const strings = (file: string, pattern: RegExp) => [...source(file).matchAll(pattern)].map((match) => match[1]);

function codeOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    return error instanceof ProtocolError ? error.code : String(error);
  }
  return "none";
}

describe("the golden messages", () => {
  const files = readdirSync(golden).filter((name) => name.endsWith(".json"));

  it.each(files)("%s reads and writes without loss", (name) => {
    const raw = readFileSync(join(golden, name), "utf8");
    expect(JSON.parse(encode(decode(raw)))).toEqual(JSON.parse(raw));
  });

  it("cover every message type", () => {
    const types = new Set(files.map((name) => decode(readFileSync(join(golden, name), "utf8")).type));
    expect([...types].sort()).toEqual(Object.keys(CLASSES).sort());
  });
});

describe("the lists are those of the Go package", () => {
  it("types and classes", () => {
    const classes = Object.fromEntries(
      [...source("type.go").matchAll(/^\tType(\w+):\s+\{Class(\w+),/gm)].map(([, type, kind]) => [type, kind]),
    );
    const names = [...source("type.go").matchAll(/^\tType(\w+)\s+Type = "(\w+)"/gm)];
    expect(Object.fromEntries(names.map(([, go, name]) => [name, classes[go ?? ""]?.toLowerCase()]))).toEqual(CLASSES);
  });

  it("error codes", () => {
    expect(strings("error.go", /^\tCode\w+\s+Code = "(\w+)"/gm)).toEqual([...CODES]);
  });

  it("end reasons", () => {
    expect(strings("reason.go", /^\tReason\w+\s+Reason = "(\w+)"/gm)).toEqual([...REASONS]);
  });

  it("doors and the reasons of a fallback", () => {
    expect(strings("fallback.go", /^\tTransport\w+\s+Transport = "(\w+)"/gm)).toEqual([...TRANSPORTS]);
    expect(strings("fallback.go", /^\tFallback\w+\s+FallbackReason = "(\w+)"/gm)).toEqual([...FALLBACK_REASONS]);
  });

  it("close codes", () => {
    const codes = strings("close.go", /^\tClose\w+\s+CloseCode = (\d+)/gm).map(Number);
    expect(Object.values(CLOSE)).toEqual(codes);
  });
});

describe("decode", () => {
  it.each([
    ["empty", "", "bad_message"],
    ["not JSON", "hello", "bad_message"],
    ["an array", "[]", "bad_message"],
    ["no type", "{}", "bad_message"],
    ["an unknown type", '{"type":"shout"}', "unknown_type"],
    ["a type that objects have", '{"type":"toString"}', "unknown_type"],
    ["a negative seq", '{"type":"ping","seq":-1}', "bad_message"],
    ["a fractional seq", '{"type":"ping","seq":1.5}', "bad_message"],
    ["a session that is no UUID", '{"type":"close","session":"../x","data":{"reason":"viewer_left"}}', "bad_message"],
    ["a body that is a string", '{"type":"close","data":"x"}', "bad_message"],
    ["an unknown reason", '{"type":"close","data":{"reason":"bored"}}', "bad_message"],
    ["a time that is none", '{"type":"reply","data":{"expires":"soon"}}', "bad_message"],
    ["a huge message", `{"type":"ping","data":"${"a".repeat(LIMITS.messageBytes)}"}`, "too_large"],
    [
      "a huge description",
      `{"type":"describe","data":{"revision":1,"kind":"offer","sdp":"${"a".repeat(LIMITS.sdpBytes + 1)}"}}`,
      "too_large",
    ],
  ])("refuses %s", (_, raw, want) => {
    expect(codeOf(() => decode(raw))).toBe(want);
  });

  it("keeps the head of an unknown type, so that it can be answered", () => {
    try {
      decode('{"type":"dance","id":7,"seq":3}');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(UnknownType);
      expect((error as UnknownType).head).toEqual({ id: 7, seq: 3 });
    }
  });

  it("ignores unknown fields and reads null lists as empty ones", () => {
    const message = decode('{"type":"snapshot","colour":"red","data":{"sessions":null,"presence":[],"mood":1}}');
    expect(message.data).toEqual({ sessions: [], presence: [] });
  });

  it("reads a reason of a newer hub's fallback as unknown", () => {
    const data = { device: "d", status: "online", generation: 1, fallback: { reason: "tired" } };
    expect(decode(JSON.stringify({ type: "presence", data })).data).toMatchObject({ fallback: { reason: "unknown" } });
  });

  it("counts bytes, not characters", () => {
    const raw = JSON.stringify({ type: "error", data: { code: "internal", message: "é" } });
    expect(codeOf(() => decode(raw.padEnd(LIMITS.messageBytes - 1)))).toBe("none");
    expect(codeOf(() => decode(raw.padEnd(LIMITS.messageBytes)))).toBe("too_large");
  });
});

describe("the rules", () => {
  it("an error that answers is sequenced and a media report is state", () => {
    const data = { code: "internal", message: "" };
    expect(classOf({ type: "error", data })).toBe("control");
    expect(classOf({ type: "error", re: 1, data })).toBe("sequenced");
    expect(classOf({ type: "stats", data: {} })).toBe("volatile");
    expect(classOf({ type: "stats", data: { media: true } })).toBe("state");
  });

  it("close codes from 4500 to 4999 mean stop, all others come back", () => {
    expect([1000, 1006, 4001, 4499, 5000].every(mayReconnect)).toBe(true);
    expect([4500, 4503, 4509, 4999].some(mayReconnect)).toBe(false);
  });

  it("every reason and code says what a viewer does next", () => {
    for (const name of [...REASONS, ...CODES]) expect(AFTERWARDS[name], name).toMatch(/^(retry|online|token|stop)$/);
  });
});
