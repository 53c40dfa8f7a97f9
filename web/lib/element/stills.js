/** Takes the picture that a video element shows. It fails when there is none. */
export async function frameOf(video) {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const context = canvas.width > 0 ? canvas.getContext("2d") : null;
    context?.drawImage(video, 0, 0);
    const picture = context && (await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92)));
    if (!picture)
        throw new DOMException("there is no picture", "InvalidStateError");
    return picture;
}
/** What a picture of a camera is called on disk: its name and the local time. */
export function fileName(camera, at, type) {
    const plain = camera
        .normalize("NFKD")
        .replace(/\p{M}/gu, "")
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, "")
        .slice(0, 40);
    const two = (n) => String(n).padStart(2, "0");
    const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    const time = `${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
    const ending = type === "image/png" ? "png" : type === "image/webp" ? "webp" : "jpg";
    return `${plain || "camera"}-${day}-${time}.${ending}`;
}
/** Has the browser keep a file. */
export function download(file, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = name;
    link.click();
    // Browsers read it after the click.
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
//# sourceMappingURL=stills.js.map