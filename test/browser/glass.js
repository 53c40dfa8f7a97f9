// Runs in every page before its own scripts and reads the clock that Sightline's test picture shows to machines
// (device/source/clockcode.go says how): how old a picture is when it comes on the screen. It changes nothing.
(() => {
  const cell = 8; // pixels of the picture as it was made, which are those that come: it is not scaled on the way
  const height = 16;
  const ruler = [0, 0, 0, 1, 1, 0, 1, 1];
  const bits = 20;
  const canvas = document.createElement("canvas");
  canvas.width = (ruler.length + bits) * cell;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });

  /** The milliseconds, modulo 2^20, at which the picture in view was drawn; null where no code can be read. */
  function read(video) {
    context.drawImage(video, 0, 0, canvas.width, height, 0, 0, canvas.width, height);
    const { data } = context.getImageData(0, height / 2, canvas.width, 1);
    const bit = (i) => (data[(i * cell + cell / 2) * 4] > 127 ? 1 : 0);
    if (ruler.some((want, i) => bit(i) !== want)) return null;
    let value = 0;
    for (let i = 0; i < bits; i++) value = value * 2 + bit(ruler.length + i);
    return value;
  }

  /** How old each of the next pictures is when it comes on the screen, in milliseconds. */
  async function ages(count) {
    const video = sightlineProbe.video();
    const found = [];
    while (found.length < count) {
      await new Promise((shown, failed) => {
        const late = setTimeout(() => failed(new Error(`${found.length} of ${count} pictures came`)), 5000);
        video.requestVideoFrameCallback((now, { expectedDisplayTime }) => {
          clearTimeout(late);
          const at = Date.now() + Math.max(0, expectedDisplayTime - performance.now());
          const drawn = read(video);
          if (drawn === null) return failed(new Error("the picture has no clock for machines"));
          const age = (at - drawn) % 2 ** bits;
          found.push(age > 2 ** (bits - 1) ? age - 2 ** bits : age);
          shown();
        });
      });
    }
    return found;
  }
  Object.defineProperty(window, "sightlineGlass", { value: { ages } });
})();
