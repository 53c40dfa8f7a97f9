import type { SightlineCamera } from "../../src/element/camera.ts";
import type { Right } from "../../src/protocol/session.ts";
import type { Hub } from "./hub.ts";
import { FakePeer } from "./rtc.ts";

/** Puts an element into the page. */
export async function show(attributes: Record<string, string> = {}): Promise<SightlineCamera> {
  const camera = document.createElement("sightline-camera");
  const all = { hub: "https://hub.example", device: "dev_1", token: "t-1", ...attributes };
  for (const [name, value] of Object.entries(all)) camera.setAttribute(name, value);
  document.body.append(camera);
  await camera.updateComplete;
  return camera;
}

/** Answers an element's hello and open, and has frames come. */
export async function goLive(hub: Hub): Promise<void> {
  hub.greet();
  await settle();
  const open = hub.socket.of("open").at(-1);
  const session = open?.session ?? "";
  const expires = new Date(Date.now() + 3_600_000).toISOString();
  const policy = { path: "prefer_direct", relay_delay_ms: 0, expires } as const;
  hub.socket.send("opened", { policy, expires }, { re: open?.id ?? 0, session });
  FakePeer.newest.measure(30, "relay");
  FakePeer.newest.ice("connected");
  await settle();
}

/** All that an element shows in words. */
export const text = (camera: SightlineCamera) => camera.shadowRoot?.textContent?.replace(/\s+/g, " ") ?? "";

/** A token that says it has these rights. */
export const tokenWith = (...grants: Right[]) => `e.${btoa(JSON.stringify({ grants }))}.s`;

const settle = () => new Promise((done) => setTimeout(done));
