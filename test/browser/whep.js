// A partner's page with a WHEP player of somebody else's. WebRTCPlayer is @eyevinn/webrtc-player as it comes from npm, for
// bundlers: what it requires stands in the place of one.
window.whep = { failures: 0 };

const modules = {
  events: () => evaluated(whepSources.events),
  "@eyevinn/csai-manager": () => ({}), // advertisements
  "@eyevinn/whpp-client": () => ({}), // another protocol
};

const evaluated = (source) => {
  const module = { exports: {} };
  new Function("module", "exports", "require", source)(module, module.exports, (name) => modules[name]());
  return module.exports;
};

whep.watch = async (url, token) => {
  const { WebRTCPlayer } = evaluated(whepSources.player);
  const video = document.createElement("video");
  video.muted = video.autoplay = video.playsInline = true;
  document.body.replaceChildren(video);
  whep.player = new WebRTCPlayer({ video, type: "whep", iceServers: [] });
  whep.player.on("initial-connection-failed", () => whep.failures++);
  await whep.player.load(new URL(url), `Bearer ${token}`);
};
