import { decode, encode } from "../protocol/codec.js";
import { ProtocolError } from "../protocol/error.js";
/** One transport of a link, from its hello to its end. */
export class Carrier {
    door;
    hub;
    /** Whether it came as far as to say hello. */
    opened = false;
    mark;
    /** When it was welcome, in milliseconds. */
    upSince;
    /** What the hub said was wrong, before it closed. */
    fault;
    #transport;
    #timer;
    #events;
    constructor({ door, connect, hub, hello, mark, within }, events) {
        this.door = door;
        this.hub = hub;
        this.#events = events;
        this.#transport = connect(hub, {
            opened: () => {
                this.opened = true;
                this.mark = mark();
                this.send(encode({ type: "hello", data: hello() }));
            },
            message: (raw) => (this.upSince === undefined ? this.#greet(raw) : events.message(raw)),
            alive: () => events.alive(),
            taken: () => events.taken(),
            closed: (code) => {
                clearTimeout(this.#timer);
                events.closed(code);
            },
        });
        // A middlebox may answer 101 and then swallow everything: what brings no welcome has failed.
        this.#timer = setTimeout(() => events.failed(new ProtocolError("timeout", "no welcome came")), within);
    }
    /** Sends one message. */
    send(message) {
        this.#transport.send(message);
    }
    /** Ends it; no event follows. */
    close(code, reason) {
        clearTimeout(this.#timer);
        this.#transport.close(code, reason);
    }
    /** Takes the first message: welcome, or the error that says why not. */
    #greet(raw) {
        try {
            const message = decode(raw);
            if (message.type === "error") {
                this.fault = ProtocolError.from(message.data);
                return;
            }
            if (message.type !== "welcome")
                throw new ProtocolError("bad_message", `${message.type} came before welcome`);
            clearTimeout(this.#timer);
            this.upSince = Date.now();
            this.#events.welcome(message.data);
        }
        catch (error) {
            if (!(error instanceof ProtocolError))
                throw error;
            this.upSince = undefined;
            this.#events.failed(error);
        }
    }
}
//# sourceMappingURL=carrier.js.map