import type { Camera, PTZ, RenditionName, Viewport } from "../protocol/control.ts";
import type { Session } from "../session/session.ts";
import { type TalkView } from "./talking.ts";
/** What a device tells of its camera, as a person sees it. */
export interface CameraView {
    /** Undefined until the device has told, which one without a control channel never does. */
    readonly camera: Camera | undefined;
    /** When a source that is down is tried again. */
    readonly retryAt: Date | undefined;
    readonly talk: TalkView;
}
/** What a viewer can do with its camera beside looking, in whatever session there is. */
export declare class Controls {
    #private;
    constructor(changed: () => void);
    /** What a person should know now. */
    get view(): CameraView;
    /** Belongs to another session from now on, or to none. */
    use(session: Session | undefined): void;
    /** Tells how large the picture is shown. */
    see(viewport: Viewport): void;
    /** Asks for a rendition, in later sessions too; undefined leaves the choice to the device. */
    choose(rendition: RenditionName | undefined): void;
    /** Moves the camera at these speeds, for a second at most unless it is told again; all zero stops. */
    move(ptz: PTZ): void;
    /** Asks the camera for a still picture. Fails with a ProtocolError. */
    snapshot(): Promise<Blob>;
    /** Begins to be heard at the camera, or ends it. It settles when the view says what came of it. */
    talk(on: boolean): Promise<void>;
}
