import type { ControlChannel } from "./control.ts";
/** A viewer's sound on its way to the camera, with a track only while it is to be heard. */
export declare class Speech {
    #private;
    constructor(sender: RTCRtpSender, control: ControlChannel);
    /**
     * Has the camera listen, and then sends the track: nothing goes to one that does not. Fails with a ProtocolError, busy
     * when somebody else is heard.
     */
    begin(track: MediaStreamTrack): Promise<void>;
    /** Sends no more, and has the camera listen no more. Whoever opened the track stops it. */
    end(): void;
}
