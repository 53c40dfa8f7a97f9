import { ProtocolError } from "../protocol/error.js";
/** Every reason why a viewer that wanted to be heard is not. */
export const TALK_HINTS = ["insecure", "denied", "no_microphone", "busy", "failed", "again"];
/** How long a hint stays (milliseconds). */
const hintLasts = 6000;
/** The voice of a person at a distance: cleaned of the camera's own sound, or both would go in circles. */
const microphone = {
    audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};
/** Opens the microphone for as long as somebody wants to be heard, and no longer. */
export class Talking {
    #changed;
    #view = { state: "off", hint: undefined };
    #speech;
    #track;
    /** Counts what begins and ends, so that what takes its time knows whether it is still wanted. */
    #turn = 0;
    #timer;
    constructor(changed) {
        this.#changed = changed;
    }
    /** What a person should know now. */
    get view() {
        return this.#view;
    }
    /** Talks in another session from now on, or in none. Nobody is heard in it before start. */
    use(speech) {
        this.stop();
        this.#speech = speech;
        this.#show("off");
    }
    /** Begins to be heard. It settles when that is so, or when it is plain that it will not be. */
    async start() {
        const speech = this.#speech;
        if (!speech || this.#view.state !== "off")
            return;
        const turn = ++this.#turn;
        this.#show("asking");
        try {
            const track = await openMicrophone();
            if (turn !== this.#turn) {
                track.stop();
                if (this.#view.state === "off")
                    this.#show("off", "again");
                return;
            }
            this.#track = track;
            track.onended = () => this.stop();
            await speech.begin(track);
            if (turn === this.#turn)
                this.#show("on");
        }
        catch (why) {
            if (turn !== this.#turn)
                return;
            this.stop();
            this.#show("off", hintOf(why));
        }
    }
    /** Is heard no more, and closes the microphone. */
    stop() {
        if (this.#view.state === "off")
            return;
        this.#turn++;
        if (this.#track) {
            this.#track.onended = null;
            this.#track.stop();
            this.#track = undefined;
        }
        this.#speech?.end();
        this.#show("off");
    }
    /** Takes in whether anybody is heard at the camera, as it says: one that is not any more learns it so. */
    heard(anybody) {
        if (anybody || this.#view.state !== "on")
            return;
        this.stop();
        this.#show("off", "failed");
    }
    #show(state, hint) {
        if (this.#view.state === state && this.#view.hint === hint)
            return;
        this.#view = { state, hint };
        clearTimeout(this.#timer);
        if (hint)
            this.#timer = setTimeout(() => this.#show(state), hintLasts);
        this.#changed();
    }
}
/** Asks for the microphone, which browsers have on secure pages only. */
async function openMicrophone() {
    const devices = globalThis.isSecureContext === false ? undefined : navigator.mediaDevices;
    if (!devices?.getUserMedia)
        throw new DOMException("the page is not secure", "SecurityError");
    const [track] = (await devices.getUserMedia(microphone)).getAudioTracks();
    if (!track)
        throw new DOMException("no sound", "NotFoundError");
    return track;
}
function hintOf(why) {
    if (why instanceof ProtocolError)
        return why.code === "busy" ? "busy" : "failed";
    switch (why?.name) {
        case "SecurityError":
            return "insecure";
        case "NotAllowedError":
            return "denied";
        case "NotFoundError":
            return "no_microphone";
        default:
            return "failed";
    }
}
//# sourceMappingURL=talking.js.map