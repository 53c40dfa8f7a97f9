import { CONTROL_LABEL, decodeControl, encodeControl, } from "../protocol/control.js";
import { ProtocolError } from "../protocol/error.js";
/** How long a request may take: the device asks a camera in turn, which may have to wake up (milliseconds). */
const answerWithin = 8000;
/** Nothing else is taken for a picture: a page could be made to run it. */
const pictures = /^image\/(jpeg|png|webp)$/;
/**
 * The data channel between a viewer and its device; it has to be made before the first offer. A device that knows none
 * leaves it closed: then nothing is told, and every request fails.
 */
export class ControlChannel {
    #channel;
    #events;
    #waiting = new Map();
    #ids = 0;
    #arriving;
    /** The newest size that the device has, or is to get when it listens. */
    #viewport;
    constructor(peer, events) {
        this.#events = events;
        this.#channel = peer.createDataChannel(CONTROL_LABEL);
        this.#channel.binaryType = "arraybuffer";
        this.#channel.onopen = () => this.#opened();
        this.#channel.onclose = () => {
            this.stop();
            events.closed();
        };
        this.#channel.onmessage = ({ data }) => {
            if (typeof data === "string")
                this.#message(data);
            else if (data instanceof ArrayBuffer)
                this.#part(data);
        };
    }
    /** Whether the device listens. */
    get open() {
        return this.#channel.readyState === "open";
    }
    /** Tells how large the picture is shown, as soon as the device listens. */
    see(viewport) {
        const before = this.#viewport;
        if (before?.width === viewport.width && before.height === viewport.height)
            return;
        this.#viewport = viewport;
        if (this.open)
            this.#send({ type: "view", data: viewport });
    }
    /** Tells what wants no answer. It is lost where the device does not listen. */
    tell(type, data) {
        if (this.open)
            this.#send({ type, data });
    }
    /**
     * Asks, and settles when it is done. Fails with a ProtocolError: the device's own, offline where it does not listen, or
     * timeout.
     */
    async ask(type, data) {
        await this.#ask(type, data);
    }
    /** Asks for a still picture, one at a time. Fails as ask does. */
    async snapshot() {
        const picture = await this.#ask("snapshot", undefined);
        if (!picture)
            throw new ProtocolError("bad_message", "the answer has no picture");
        return picture;
    }
    /** Fails what waits for an answer. */
    stop() {
        for (const id of [...this.#waiting.keys()])
            this.#fail(id, new ProtocolError("offline", "the device is gone"));
    }
    #opened() {
        if (this.#viewport)
            this.#send({ type: "view", data: this.#viewport });
        this.#events.open();
    }
    #ask(type, data) {
        return new Promise((done, failed) => {
            if (!this.open) {
                failed(new ProtocolError("offline", "the device does not listen"));
                return;
            }
            const id = ++this.#ids;
            const timer = setTimeout(() => this.#fail(id, new ProtocolError("timeout", "no answer came")), answerWithin);
            this.#waiting.set(id, { done, failed, timer });
            this.#send({ type, id, data });
        });
    }
    #send(control) {
        this.#channel.send(encodeControl(control));
    }
    #message(raw) {
        let message;
        try {
            message = decodeControl(raw);
        }
        catch {
            return; // of a newer device
        }
        if (message.type === "status" && message.data)
            this.#events.status(message.data);
        else if (message.type === "error") {
            const { data = { code: "internal", message: "" } } = message;
            this.#fail(message.re ?? 0, ProtocolError.from(data));
        }
        else if (message.type === "ok")
            this.#answer(message.re ?? 0, message.data);
    }
    #answer(request, still) {
        if (!still || !this.#waiting.has(request)) {
            this.#done(request, undefined);
            return;
        }
        if (!pictures.test(still.media_type)) {
            this.#fail(request, new ProtocolError("bad_message", "the picture is none that browsers show"));
            return;
        }
        const before = this.#arriving?.request;
        this.#arriving = { ...still, request, parts: [], got: 0 };
        if (before !== undefined)
            this.#fail(before, new ProtocolError("conflict", "another picture came"));
    }
    #part(part) {
        const picture = this.#arriving;
        if (!picture)
            return;
        picture.parts.push(part);
        picture.got += part.byteLength;
        if (picture.got < picture.bytes)
            return;
        this.#arriving = undefined;
        if (picture.got > picture.bytes) {
            this.#fail(picture.request, new ProtocolError("bad_message", "the picture is longer than was said"));
        }
        else
            this.#done(picture.request, new Blob(picture.parts, { type: picture.media_type }));
    }
    #done(request, picture) {
        this.#take(request)?.done(picture);
    }
    #fail(request, why) {
        this.#take(request)?.failed(why);
        if (this.#arriving?.request === request)
            this.#arriving = undefined;
    }
    #take(request) {
        const waiting = this.#waiting.get(request);
        this.#waiting.delete(request);
        clearTimeout(waiting?.timer);
        return waiting;
    }
}
//# sourceMappingURL=control.js.map