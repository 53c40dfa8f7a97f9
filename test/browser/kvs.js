// A partner's page and a camera as the SDK for Kinesis Video Streams has them written, from its README: only where the
// servers are, and what signs a request, is ours. KVSWebRTC is the SDK, as it comes from npm.
window.kvs = { peers: {}, statuses: [], clients: [] };

/** What the SDK asks for in the place of AWS credentials. */
const signedWith = (token) => ({
  getSignedURL: async (endpoint, query) => `${endpoint}?${new URLSearchParams({ ...query, token })}`,
});

const clientOf = (base, token, role) => {
  const client = new KVSWebRTC.SignalingClient({
    channelARN: "arn:aws:kinesisvideo:any:0:channel/camera/0",
    channelEndpoint: base.replace(/^http/, "ws"),
    region: "any",
    requestSigner: signedWith(token),
    ...role,
  });
  client.on("statusResponse", (status) => kvs.statuses.push(status));
  client.on("error", (error) => console.error(`kvs: ${error.message ?? error.type}`));
  kvs.clients.push(client);
  return client;
};

const serversOf = async (base, token, clientId) => {
  const query = new URLSearchParams({ token, "X-Amz-ClientId": clientId });
  const { IceServerList } = await (await fetch(`${base}/ice-servers?${query}`)).json();
  return IceServerList.map(({ Uris, Username, Password }) => ({ urls: Uris, username: Username, credential: Password }));
};

kvs.watch = async (base, token, clientId) => {
  const peer = new RTCPeerConnection({ iceServers: await serversOf(base, token, clientId) });
  const client = clientOf(base, token, { role: KVSWebRTC.Role.VIEWER, clientId });
  client.on("open", async () => {
    await peer.setLocalDescription(await peer.createOffer({ offerToReceiveAudio: true, offerToReceiveVideo: true }));
    client.sendSdpOffer(peer.localDescription, undefined, "offer");
  });
  client.on("sdpAnswer", (answer) => peer.setRemoteDescription(answer));
  client.on("iceCandidate", (candidate) => peer.addIceCandidate(candidate));
  peer.addEventListener("icecandidate", ({ candidate }) => candidate && client.sendIceCandidate(candidate));
  peer.addEventListener("track", ({ streams: [stream] }) => {
    const video = document.querySelector("video") ?? document.body.appendChild(document.createElement("video"));
    video.muted = true;
    video.srcObject = stream;
    video.play();
  });
  client.open();
};

kvs.serve = async (base, token) => {
  const canvas = document.body.appendChild(document.createElement("canvas"));
  [canvas.width, canvas.height] = [320, 240];
  const context = canvas.getContext("2d");
  let step = 0;
  setInterval(() => {
    context.fillStyle = `hsl(${step++ % 360} 80% 50%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }, 50);
  const stream = canvas.captureStream(20);
  const iceServers = await serversOf(base, token, "");
  const client = clientOf(base, token, { role: KVSWebRTC.Role.MASTER });
  client.on("sdpOffer", async (offer, viewer) => {
    kvs.peers[viewer]?.close();
    const peer = new RTCPeerConnection({ iceServers });
    kvs.peers[viewer] = peer;
    peer.addEventListener("icecandidate", ({ candidate }) => candidate && client.sendIceCandidate(candidate, viewer));
    for (const track of stream.getTracks()) peer.addTrack(track, stream);
    await peer.setRemoteDescription(offer);
    await peer.setLocalDescription(await peer.createAnswer());
    client.sendSdpAnswer(peer.localDescription, viewer);
  });
  client.on("iceCandidate", (candidate, viewer) => kvs.peers[viewer]?.addIceCandidate(candidate));
  await new Promise((open) => {
    client.on("open", open);
    client.open();
  });
};
