import { inquire } from "../link/inquiry.ts";
import { Link } from "../link/link.ts";
import { longPoll } from "../link/longpoll.ts";
import type { Doors } from "../link/transport.ts";
import { webSocket } from "../link/websocket.ts";
import type { Fallback } from "../protocol/fallback.ts";
import type { ICEServer } from "../protocol/handshake.ts";
import type { Outcome } from "./findings.ts";

/** How long a door may take (milliseconds): what brings no welcome in 5 s has failed on a link too. */
const within = 6000;

/** What trying one door brought. */
interface Visit {
  outcome: Outcome;
  /** The servers of a welcome: there is none without a token. */
  servers: ICEServer[];
  /** Ends the link, and with it what its servers grant. */
  leave(): void;
}

/** What trying the doors brought. */
export interface Signaling {
  websocket: Outcome;
  longPoll: Outcome;
  fallback: Fallback | undefined;
  servers: ICEServer[];
  /** Ends the links, and with them what the servers grant. */
  leave(): void;
}

/** Tries both doors of a hub. With a token that it takes there are servers; without, its refusal shows as much. */
export async function trySignaling(hub: URL, token: string): Promise<Signaling> {
  const [socket, poll] = await Promise.all([
    visit(hub, token, { websocket: webSocket }),
    visit(hub, token, { long_poll: longPoll() }),
  ]);
  const fallback = socket.outcome === "fails" ? await inquire(hub) : undefined;
  const servers = socket.servers.length > 0 ? socket.servers : poll.servers;
  const leave = () => {
    socket.leave();
    poll.leave();
  };
  return { websocket: socket.outcome, longPoll: poll.outcome, fallback, servers, leave };
}

/** Comes by one door. Whatever the hub says, it was reached. */
function visit(hub: URL, token: string, doors: Doors): Promise<Visit> {
  return new Promise((done) => {
    const link = new Link({ hub, token, doors, client: { name: "sightline-doctor" } });
    const end = (outcome: Outcome, servers: ICEServer[] = []) => {
      clearTimeout(timer);
      if (outcome === "fails") link.stop();
      done({ outcome, servers, leave: () => link.stop() });
    };
    const timer = setTimeout(() => end("fails"), within);
    link.events.on("up", ({ ice_servers }) => end("works", ice_servers));
    link.events.on("stopped", () => end("works"));
    link.events.on("down", () => end("fails"));
    link.start();
  });
}
