import { WHY_WORDS } from "@sightline/viewer/element";
import { SightlineCamera } from "@sightline/viewer/element/define";
import { type Address, readAddress } from "./address.ts";

/** The token of an earlier look at the device in this tab, for a reload. */
function rememberedToken(device: string): string {
  try {
    return sessionStorage.getItem(keyFor(device)) ?? "";
  } catch {
    return "";
  }
}

/**
 * Takes the token out of the address bar and the history; this tab keeps it for a reload, and forgets it when it is
 * closed.
 */
function hideToken({ device, token }: Address): void {
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    sessionStorage.setItem(keyFor(device), token);
  } catch {
    // Without storage a reload needs the whole link again.
  }
}

function keyFor(device: string): string {
  return `sightline:token:${device}`;
}

function explain(title: string, detail: string): void {
  const main = document.createElement("main");
  const heading = document.createElement("h1");
  heading.textContent = title;
  const text = document.createElement("p");
  text.textContent = detail;
  main.append(heading, text);
  document.body.replaceChildren(main);
}

function entitle({ currentTarget }: Event): void {
  if (currentTarget instanceof SightlineCamera) document.title = `${currentTarget.name} · Sightline`;
}

function show(): void {
  const address = readAddress(new URL(location.href));
  const token = address ? address.token || rememberedToken(address.device) : "";
  if (!address || !token) {
    explain(WHY_WORDS.invalid.title, "The part after # is missing. Copy the whole link, or ask for it again.");
    return;
  }
  const camera = document.querySelector("sightline-camera") ?? document.createElement("sightline-camera");
  camera.addEventListener("sightline-state", entitle);
  camera.device = address.device;
  camera.token = token;
  camera.ice = address.relayOnly ? "relay" : "";
  if (!camera.isConnected) document.body.replaceChildren(camera);
  // After the socket has begun to open: storage and history take their time.
  hideToken(address);
}

show();
addEventListener("hashchange", show);
