import { Moving } from "./moving.js";
import { download, fileName, frameOf } from "./stills.js";
import { LABELS, NO_STILL } from "./words.js";
/** How long a word on what was done stays (milliseconds). */
const wordLasts = 3000;
/** What a person does with a camera beside looking: talk, move it, choose a rendition, keep a picture. */
export class Hands {
    moving = new Moving((ptz) => this.move(ptz));
    #work;
    #choice;
    #holds = false;
    #word = "";
    #timer;
    constructor(work) {
        this.#work = work;
    }
    /** A word on what was just done; empty after a while. */
    get word() {
        return this.#word;
    }
    /** Begins to be heard, or ends it. */
    async talk(on) {
        await this.#work.viewer?.controls.talk(on);
    }
    /** The same of a button or a key that is held, which anything may let go. */
    holdToTalk(on) {
        this.#holds = on;
        void this.talk(on);
    }
    /** Moves the camera. */
    move(ptz) {
        this.#work.viewer?.controls.move(ptz);
        this.#work.redraw();
    }
    /** Asks for a rendition; undefined leaves it to the camera. */
    choose(rendition) {
        this.#choice = rendition;
        this.#work.viewer?.controls.choose(rendition);
    }
    /** Takes up a viewer that has just been made, with the rendition that was asked for before. */
    takeUp({ controls }) {
        if (this.#choice)
            controls.choose(this.#choice);
    }
    /** Takes a still picture: the camera's own where it makes one, else the frame that is shown. */
    async snapshot() {
        const { viewer, video } = this.#work;
        const own = viewer?.view.camera?.snapshot ? await viewer.controls.snapshot().catch(() => undefined) : undefined;
        if (own)
            return own;
        if (!video)
            throw new DOMException("there is no picture", "InvalidStateError");
        return frameOf(video);
    }
    /** Takes a still picture and has the browser keep it as a file. */
    async save() {
        const at = new Date();
        try {
            const picture = await this.snapshot();
            download(picture, fileName(this.#work.name, at, picture.type));
            this.#say(LABELS.saved);
        }
        catch {
            this.#say(NO_STILL);
        }
    }
    /** Lets go of whatever is held. */
    release() {
        this.moving.stop();
        if (this.#holds)
            this.holdToTalk(false);
    }
    #say(word) {
        clearTimeout(this.#timer);
        this.#word = word;
        if (word)
            this.#timer = setTimeout(() => this.#say(""), wordLasts);
        this.#work.redraw();
    }
}
//# sourceMappingURL=hands.js.map