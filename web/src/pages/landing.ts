import { readAddress } from "./address.ts";

const form = document.querySelector("form");
const wrong = document.querySelector("#wrong");

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const link = String(new FormData(form).get("link") ?? "").trim();
  const url = URL.canParse(link) ? new URL(link) : undefined;
  if (url && /^https?:$/.test(url.protocol) && readAddress(url)?.token) {
    location.assign(url);
  } else if (wrong) {
    wrong.textContent = "This is not a camera's link. It looks like https://…/watch/camera#token=…";
  }
});
