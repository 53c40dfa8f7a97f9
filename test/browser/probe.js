// Runs in every page before its own scripts and watches what a person would see: it counts decoded frames, the
// longest time without one, and the moment of the first. It changes nothing that the page does.
(() => {
  const sampleEveryMS = 100;
  const peers = new Map(); // RTCPeerConnection -> frames it has decoded

  const probe = {
    milestones: {}, // what happened first when, in milliseconds since the navigation began
    frames: 0,
    stallMS: 0, // the longest time without a new frame since the mark
    grewAt: performance.now(),
    mark() {
      probe.stallMS = 0;
      probe.grewAt = performance.now();
    },
    element: () => document.querySelector("sightline-camera"),
    video: () => probe.element()?.shadowRoot?.querySelector("video") ?? null,
  };
  const reach = (milestone) => {
    probe.milestones[milestone] ??= performance.now();
  };
  Object.defineProperty(window, "sightlineProbe", { value: probe });

  window.WebSocket = class extends window.WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("open", () => reach("socket"));
      this.addEventListener("message", () => reach("welcome"));
    }
  };

  window.RTCPeerConnection = class extends window.RTCPeerConnection {
    constructor(...args) {
      super(...args);
      peers.set(this, 0);
      reach("peer");
      this.addEventListener("iceconnectionstatechange", () => {
        if (this.iceConnectionState === "connected") reach("ice");
      });
      this.addEventListener("connectionstatechange", () => {
        if (this.connectionState === "connected") reach("connected");
      });
    }
    async setLocalDescription(...args) {
      await super.setLocalDescription(...args);
      reach("offer");
    }
    setRemoteDescription(...args) {
      reach("answer");
      return super.setRemoteDescription(...args);
    }
  };

  async function sample() {
    for (const pc of peers.keys()) {
      if (pc.connectionState === "closed") continue;
      for (const report of (await pc.getStats()).values()) {
        if (report.type === "inbound-rtp" && report.kind === "video") peers.set(pc, report.framesDecoded ?? 0);
      }
    }
    const frames = [...peers.values()].reduce((sum, n) => sum + n, 0);
    const now = performance.now();
    if (frames > probe.frames) probe.grewAt = now;
    else probe.stallMS = Math.max(probe.stallMS, now - probe.grewAt); // who looks late has not seen it stand
    probe.frames = frames;
  }
  (async () => {
    for (;;) {
      await sample().catch(() => {}); // a connection that is closing has no statistics
      await new Promise((done) => setTimeout(done, sampleEveryMS));
    }
  })();

  let watched = null;
  const watch = setInterval(() => {
    const video = probe.video();
    if (!video || video === watched) return;
    watched = video;
    video.requestVideoFrameCallback(() => {
      reach("frame");
      clearInterval(watch);
    });
  }, 2);
})();
