import { ProtocolError } from "../protocol/error.js";
import { Talking } from "./talking.js";
/** What a viewer can do with its camera beside looking, in whatever session there is. */
export class Controls {
    #changed;
    #talking;
    #session;
    #camera;
    #retryAt;
    /** What the next session is told too. */
    #viewport;
    #choice;
    constructor(changed) {
        this.#changed = changed;
        this.#talking = new Talking(changed);
    }
    /** What a person should know now. */
    get view() {
        return { camera: this.#camera, retryAt: this.#retryAt, talk: this.#talking.view };
    }
    /** Belongs to another session from now on, or to none. */
    use(session) {
        this.#session = session;
        this.#camera = undefined;
        this.#retryAt = undefined;
        this.#talking.use(session?.speech);
        if (!session)
            return;
        if (this.#viewport)
            session.control.see(this.#viewport);
        session.events.on("listening", () => {
            if (this.#choice)
                session.control.tell("rendition", { rendition: this.#choice });
        });
        session.events.on("camera", (camera) => {
            if (session !== this.#session)
                return;
            this.#camera = camera;
            const wait = camera?.source === "up" ? undefined : camera?.retry_ms;
            this.#retryAt = wait ? new Date(Date.now() + wait) : undefined;
            this.#talking.heard(camera?.talking ?? false);
            this.#changed();
        });
    }
    /** Tells how large the picture is shown. */
    see(viewport) {
        this.#viewport = viewport;
        this.#session?.control.see(viewport);
    }
    /** Asks for a rendition, in later sessions too; undefined leaves the choice to the device. */
    choose(rendition) {
        this.#choice = rendition;
        this.#session?.control.tell("rendition", rendition ? { rendition } : {});
    }
    /** Moves the camera at these speeds, for a second at most unless it is told again; all zero stops. */
    move(ptz) {
        this.#session?.control.tell("ptz", ptz);
    }
    /** Asks the camera for a still picture. Fails with a ProtocolError. */
    async snapshot() {
        if (!this.#session || !this.#camera?.snapshot)
            throw new ProtocolError("not_found", "the camera makes no stills");
        return this.#session.control.snapshot();
    }
    /** Begins to be heard at the camera, or ends it. It settles when the view says what came of it. */
    async talk(on) {
        if (on)
            await this.#talking.start();
        else
            this.#talking.stop();
    }
}
//# sourceMappingURL=controls.js.map