// What a partner's program may rely on, as types: `package.test.ts` compiles it strictly against the built package.
import { type Quality, Session, type SessionOptions, type State, type View, Viewer, type Why } from "@sightline/viewer";
import { type SightlineCamera, STATE_WORDS, WHY_WORDS } from "@sightline/viewer/element";
import type { SightlineCamera as Defined } from "@sightline/viewer/element/define";
import { Link, type LinkStatus } from "@sightline/viewer/link";
import {
  CODES,
  decode,
  type Envelope,
  encode,
  type Presence,
  ProtocolError,
  REASONS,
} from "@sightline/viewer/protocol";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Equal<A, B>): void {}

const viewer = new Viewer({
  hub: new URL("https://hub.example"),
  device: "d",
  token: "t",
  tokenProvider: async () => "t",
});
viewer.events.on("change", (view) => {
  same<typeof view, View>(true);
  same<View["state"], State>(true);
  const why: Why | undefined = view.reason;
  if (why) WHY_WORDS[why].title.toUpperCase();
});
viewer.events.on("stream", (stream) => same<typeof stream, MediaStream | undefined>(true));
// @ts-expect-error a camera has a name
new Viewer({ hub: new URL("https://hub.example"), token: "t" });
// @ts-expect-error there is no such event
viewer.events.on("nothing", () => {});

const link = new Link({ hub: new URL("https://hub.example"), token: "t" });
same<typeof link.status, LinkStatus>(true);

const element = document.createElement("sightline-camera");
same<typeof element, SightlineCamera>(true);
same<Defined, SightlineCamera>(true);
const quality: Quality | null = element.stats;
const state: State = element.state;
STATE_WORDS[state].title.toUpperCase();
element.addEventListener("sightline-state", () => {});
// @ts-expect-error what it is doing is not for others to set
element.state = "live";

const message: Envelope = decode(encode({ type: "ping", data: undefined }));
const codes: readonly string[] = CODES;
const reasons: readonly string[] = REASONS;

export type { Presence, SessionOptions };
export { codes, message, ProtocolError, quality, reasons, Session };
