// Runs in every page before its own scripts and notes which way the media takes: every candidate pair that ICE selects,
// with the moment of it, and how evenly frames arrive. It changes nothing that the page does. Moments are milliseconds
// of the wall clock, as Date.now() has them.
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const log = {
    began: performance.timeOrigin, // the navigation
    opens: [], // {at, session}: the page asked the hub for a session
    pairs: [], // {at, local, remote}: ICE selected a pair
    restarts: [], // when an ICE restart began
    signaled: [], // {sent, data}: messages of the link, either way, that have candidates in them
    gapMS: 0, // the longest time between two frames that arrived one after the other, since the mark
    mark() {
      log.gapMS = 0;
    },
    /** What became of the pictures that peer connections get which live. */
    async pictures() {
      const sum = {
        at: performance.now(), freezes: 0, frozenS: 0, decoded: 0, keyframes: 0, packets: 0, lost: 0, retransmitted: 0,
        nacks: 0, plis: 0, width: 0, height: 0, revisions: [],
      };
      for (const peer of peers) {
        sum.revisions.push(fragment(peer) ?? "");
        for (const report of (await peer.getStats()).values()) {
          if (report.type !== "inbound-rtp" || report.kind !== "video") continue;
          sum.freezes += report.freezeCount;
          sum.frozenS += report.totalFreezesDuration;
          sum.decoded += report.framesDecoded;
          sum.keyframes += report.keyFramesDecoded ?? 0;
          sum.packets += report.packetsReceived;
          sum.lost += report.packetsLost;
          sum.retransmitted += report.retransmittedPacketsReceived ?? 0;
          sum.nacks += report.nackCount;
          sum.plis += report.pliCount;
          sum.width = report.frameWidth ?? sum.width;
          sum.height = report.frameHeight ?? sum.height;
        }
      }
      return sum;
    },
    /** Every candidate pair of every peer connection that lives, in words. */
    async table() {
      const lines = [];
      for (const peer of peers) {
        const report = await peer.getStats();
        for (const pair of report.values()) {
          if (pair.type !== "candidate-pair") continue;
          const [local, remote] = [report.get(pair.localCandidateId), report.get(pair.remoteCandidateId)];
          const end = (c) => `${c?.candidateType} ${c?.protocol} ${c?.address}:${c?.port}`;
          lines.push(
            `${end(local)} > ${end(remote)} ${pair.state}${pair.nominated ? " nominated" : ""}, ` +
              `checks sent ${pair.requestsSent} answered ${pair.responsesReceived}, got ${pair.requestsReceived}`,
          );
        }
      }
      return lines;
    },
  };
  Object.defineProperty(window, "sightlinePath", { value: log });

  /** Keeps what tells the other end of candidates. */
  const signaled = (sent, data) => {
    if (typeof data === "string" && data.includes("candidate")) log.signaled.push({ sent, data });
  };

  window.WebSocket = class extends window.WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => signaled(false, data));
    }
    send(data) {
      signaled(true, data);
      if (typeof data === "string" && data.includes('"open"')) {
        const { type, session } = JSON.parse(data);
        if (type === "open") log.opens.push({ at: now(), session });
      }
      super.send(data);
    }
  };

  const candidate = (c) => ({ type: c.type ?? "", protocol: c.protocol ?? "", address: c.address ?? "", port: c.port ?? 0 });
  const peers = new Set();
  const watched = new WeakSet();
  const watch = (peer) => {
    for (const { receiver } of peer.getTransceivers()) {
      const ice = receiver.transport?.iceTransport;
      if (!ice || watched.has(ice)) continue;
      watched.add(ice);
      const note = () => {
        const pair = ice.getSelectedCandidatePair();
        if (pair) log.pairs.push({ at: now(), local: candidate(pair.local), remote: candidate(pair.remote) });
      };
      ice.addEventListener("selectedcandidatepairchange", note);
      note();
    }
  };
  const fragment = (peer) => /^a=ice-ufrag:(.*)$/m.exec(peer.localDescription?.sdp ?? "")?.[1].trim();

  window.RTCPeerConnection = class extends window.RTCPeerConnection {
    constructor(...args) {
      super(...args);
      peers.add(this);
    }
    close() {
      peers.delete(this);
      super.close();
    }
    async setLocalDescription(...args) {
      const before = fragment(this);
      await super.setLocalDescription(...args);
      if (before !== undefined && fragment(this) !== before) log.restarts.push(now());
      watch(this);
    }
    async setRemoteDescription(...args) {
      await super.setRemoteDescription(...args);
      watch(this);
    }
  };

  // receiveTime is when the last packet of a frame came, whenever the frame is shown.
  const follow = (video) => {
    let last;
    const frame = (_, { receiveTime, presentedFrames }) => {
      if (receiveTime && last && presentedFrames > last.presentedFrames) {
        // Callbacks that were left out are not gaps of the network.
        log.gapMS = Math.max(log.gapMS, (receiveTime - last.receiveTime) / (presentedFrames - last.presentedFrames));
      }
      last = receiveTime ? { receiveTime, presentedFrames } : undefined;
      video.requestVideoFrameCallback(frame);
    };
    video.requestVideoFrameCallback(frame);
  };
  let followed = null;
  setInterval(() => {
    const video = document.querySelector("sightline-camera")?.shadowRoot?.querySelector("video");
    if (!video || video === followed) return;
    followed = video;
    follow(video);
  }, 20);
})();
