// What can be asked of one open page. Every answer is plain JSON.

/** Everything a person can read on the page, shadow roots included. */
function readText() {
  const texts = [];
  const visit = (root) => {
    for (const node of root.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) {
        const text = node.textContent.trim();
        const parent = node.parentElement ?? root.host;
        if (text && parent?.checkVisibility({ visibilityProperty: true, opacityProperty: true })) texts.push(text);
      } else if (node instanceof Element && !["SCRIPT", "STYLE", "TEMPLATE"].includes(node.tagName)) {
        if (node.shadowRoot) visit(node.shadowRoot);
        visit(node);
      }
    }
  };
  visit(document.body);
  return texts.join("\n");
}

/** The state that the element shows to the page that embeds it. */
function readState() {
  const element = sightlineProbe.element();
  return {
    state: element?.state ?? "",
    reason: element?.reason ?? "",
    dataState: element?.getAttribute("data-state") ?? "",
    dataPath: element?.getAttribute("data-path") ?? "",
    transport: element?.getAttribute("data-transport") ?? "",
    fallback: element?.fallback?.reason ?? "",
  };
}

/** Frames since the page was opened, and how long none came since the last mark. */
function readFrames() {
  const { frames, stallMS, milestones } = sightlineProbe;
  const video = sightlineProbe.video();
  return {
    frames,
    stallMS,
    milestones,
    width: video?.videoWidth ?? 0,
    height: video?.videoHeight ?? 0,
  };
}

/** Which way the media has taken since the page was opened; see path.js. */
function readPath() {
  const { began, opens, pairs, restarts, gapMS } = sightlinePath;
  return { began, opens, pairs, restarts, gapMS };
}

/** The grey values of a region of the picture; the region is in fractions of its width and height. */
function readRegion({ x, y, width, height }) {
  const video = sightlineProbe.video();
  if (!video?.videoWidth) throw new Error("there is no picture");
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * video.videoWidth);
  canvas.height = Math.round(height * video.videoHeight);
  const context = canvas.getContext("2d");
  context.drawImage(
    video,
    x * video.videoWidth, y * video.videoHeight, canvas.width, canvas.height,
    0, 0, canvas.width, canvas.height,
  );
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const grey = [];
  for (let i = 0; i < data.length; i += 4) grey.push((data[i] * 3 + data[i + 1] * 6 + data[i + 2]) / 10);
  return grey;
}

/** A pixel counts as changed over this difference of grey values: more than coding noise, less than a digit's edge. */
const changedOver = 40;

export const commands = {
  state: (page) => page.evaluate(readState),
  frames: (page) => page.evaluate(readFrames),
  path: (page) => page.evaluate(readPath),
  text: (page) => page.evaluate(readText),
  mark: (page) =>
    page.evaluate(() => {
      sightlineProbe.mark();
      sightlinePath.mark();
    }),
  /** Opens the page once more, with what its browser remembers. */
  reload: (page, { timeoutMS }) => page.reload({ timeout: timeoutMS, waitUntil: "commit" }).then(() => null),

  /** Waits until the element is in a state, on a path when one is given. */
  until: async (page, { state, path, timeoutMS }) => {
    await page.waitForFunction(
      ({ state, path }) => {
        const element = sightlineProbe.element();
        return (
          element?.getAttribute("data-state") === state && (!path || element.getAttribute("data-path") === path)
        );
      },
      { state, path },
      { timeout: timeoutMS, polling: 50 },
    );
    return commands.state(page);
  },

  /** Waits until so many frames more have been decoded. */
  grow: async (page, { frames, timeoutMS }) => {
    await page.waitForFunction(
      (wanted) => sightlineProbe.frames >= wanted,
      (await page.evaluate(() => sightlineProbe.frames)) + frames,
      { timeout: timeoutMS, polling: 50 },
    );
    return commands.frames(page);
  },

  /** Waits until a text can be read on the page, whatever its case. The pages' policy lets nothing poll there that is a text. */
  reads: async (page, { text, timeoutMS }) => {
    for (const until = Date.now() + timeoutMS; ; await page.waitForTimeout(100)) {
      const all = await commands.text(page);
      if (all.toLowerCase().includes(text.toLowerCase())) return all;
      if (Date.now() > until) throw new Error(`the page does not read ${JSON.stringify(text)} in ${timeoutMS} ms but ${JSON.stringify(all)}`);
    }
  },

  /** The share of a region's pixels that change within a time. */
  moves: async (page, { region, withinMS }) => {
    const before = await page.evaluate(readRegion, region);
    await page.waitForTimeout(withinMS);
    const after = await page.evaluate(readRegion, region);
    const changed = before.filter((grey, i) => Math.abs(grey - after[i]) > changedOver).length;
    return changed / before.length;
  },

  front: (page) => page.bringToFront().then(() => null),

  /** Stops everything in a hidden page, or lets it go on. */
  lifecycle: async (page, { state }) => {
    const session = await page.context().newCDPSession(page);
    await session.send("Page.setWebLifecycleState", { state });
    await session.detach();
    return null;
  },

  evaluate: (page, { script }) => page.evaluate(script),
  screenshot: (page, { file }) => page.screenshot({ path: file }).then(() => null),
};
