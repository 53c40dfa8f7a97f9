/** Takes the picture that a video element shows. It fails when there is none. */
export declare function frameOf(video: HTMLVideoElement): Promise<Blob>;
/** What a picture of a camera is called on disk: its name and the local time. */
export declare function fileName(camera: string, at: Date, type: string): string;
/** Has the browser keep a file. */
export declare function download(file: Blob, name: string): void;
