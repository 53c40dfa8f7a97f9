import "../element/define.ts";
import { WHY_WORDS } from "../element/words.ts";
import { readAddress } from "./address.ts";

/**
 * The token leaves the address bar and the history as soon as it is read; this tab keeps it for a reload, and forgets it
 * when it is closed.
 */
function takeToken(device: string, fromFragment: string): string {
  const key = `sightline:token:${device}`;
  try {
    if (!fromFragment) return sessionStorage.getItem(key) ?? "";
    sessionStorage.setItem(key, fromFragment);
  } catch {
    // Without storage a reload needs the whole link again.
  }
  if (fromFragment) history.replaceState(null, "", location.pathname + location.search);
  return fromFragment;
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

function show(): void {
  const address = readAddress(new URL(location.href));
  const token = address ? takeToken(address.device, address.token) : "";
  if (!address || !token) {
    explain(WHY_WORDS.invalid.title, "The part after # is missing. Copy the whole link, or ask for it again.");
    return;
  }
  document.title = `${address.device} · Sightline`;
  const camera = document.querySelector("sightline-camera") ?? document.createElement("sightline-camera");
  camera.device = address.device;
  camera.token = token;
  camera.ice = address.relayOnly ? "relay" : "";
  if (!camera.isConnected) document.body.replaceChildren(camera);
}

show();
addEventListener("hashchange", show);
