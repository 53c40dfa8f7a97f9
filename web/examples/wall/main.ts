// All cameras of the project in tiles of one's own making: the viewer without the element.
import { Viewer } from "@sightline/viewer";
import { wordsFor } from "@sightline/viewer/element";
import { type Camera, cameras, hub, tokenFor } from "../backend.ts";

const main = document.querySelector("main");

/** One camera: its picture, and in words what it is doing. */
async function tile({ id, name }: Camera): Promise<HTMLElement> {
  const figure = document.createElement("figure");
  const video = document.createElement("video");
  video.autoplay = video.muted = video.playsInline = true;
  const caption = document.createElement("figcaption");
  caption.textContent = name;
  figure.append(video, caption);

  const viewer = new Viewer({ hub, device: id, token: await tokenFor(id), tokenProvider: () => tokenFor(id) });
  viewer.events.on("stream", (stream) => {
    video.srcObject = stream ?? null;
  });
  viewer.events.on("change", (view) => {
    const { state, path } = view;
    figure.dataset.state = state;
    caption.textContent = `${name}: ${wordsFor(view).title}${path ? `, ${path}` : ""}`;
  });
  viewer.start();
  return figure;
}

async function show(): Promise<void> {
  const list = await cameras();
  if (list.length === 0) throw new Error("No camera has joined the project yet.");
  main?.append(...(await Promise.all(list.map(tile))));
}

show().catch((error: unknown) => main?.append(String(error)));
