// One camera, by the element: the first of the project, or the one that the address names, as /one/?device=DEVICE.
import "@sightline/viewer/element/define";
import { wordsFor } from "@sightline/viewer/element";
import { cameras, hub, tokenFor } from "../backend.ts";

const camera = document.querySelector("sightline-camera");
const status = document.querySelector("[role=status]");

async function show(): Promise<void> {
  if (!camera || !status) return;
  const device = new URLSearchParams(location.search).get("device") ?? (await cameras())[0]?.id;
  if (!device) throw new Error("No camera has joined the project yet.");
  camera.addEventListener("sightline-state", () => {
    status.textContent = wordsFor({ state: camera.state, reason: camera.reason ?? undefined }).title;
  });
  camera.tokenProvider = () => tokenFor(device);
  camera.setAttribute("hub", hub.href);
  camera.device = device;
}

show().catch((error: unknown) => {
  if (status) status.textContent = String(error);
});
