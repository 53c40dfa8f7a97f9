/** A viewer's sound on its way to the camera, with a track only while it is to be heard. */
export class Speech {
    #sender;
    #control;
    #track;
    constructor(sender, control) {
        this.#sender = sender;
        this.#control = control;
    }
    /**
     * Has the camera listen, and then sends the track: nothing goes to one that does not. Fails with a ProtocolError, busy
     * when somebody else is heard.
     */
    async begin(track) {
        this.#track = track;
        await this.#control.ask("talk", { on: true });
        // It may have ended while the camera was asked.
        if (this.#track === track)
            await this.#sender.replaceTrack(track);
    }
    /** Sends no more, and has the camera listen no more. Whoever opened the track stops it. */
    end() {
        if (!this.#track)
            return;
        this.#track = undefined;
        this.#control.tell("talk", { on: false });
        // Refused where the session is over, which ends the sound too.
        this.#sender.replaceTrack(null).catch(() => undefined);
    }
}
//# sourceMappingURL=speech.js.map