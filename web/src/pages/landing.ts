/** The form of a camera's link; the watch page itself reads it in detail. */
const cameraLink = /^https?:\/\/[^/]+(\/[^?#]*)?\/watch\/[a-z0-9_-]{1,64}\/?(\?[^#]*)?#token=./;

const form = document.querySelector("form");
const wrong = document.querySelector("#wrong");

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const link = String(new FormData(form).get("link") ?? "").trim();
  if (cameraLink.test(link)) {
    location.assign(link);
  } else if (wrong) {
    wrong.textContent = "This is not a camera's link. It looks like https://…/watch/camera#token=…";
  }
});

export {};
