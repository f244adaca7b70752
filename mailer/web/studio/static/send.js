// The Send room follows by itself: what is in the way, a stop by somebody else, its leaving; and it counts down.
import { renew, watch } from "./live.js";

const room = document.querySelector("[data-here]");
const { here, mark: seen } = room.dataset;
const state = (mark) => mark.split("|")[0];

// Another state is another page; after it left, another room.
watch(`${here}/moves`, seen, (mark) => { if (state(mark) === state(seen)) look(); else location.assign(here); });

async function look() {
  await renew(here);
  if (document.querySelector("[data-looking]")) await renew(`${here}?whole=1`);
}
if (document.querySelector("[data-looking]")) look();

let box = null, ends = 0;
function tick() {
  const shown = document.querySelector("[data-left]");
  if (!shown) return;
  if (shown !== box) { box = shown; ends = performance.now() + 1000 * Number(box.dataset.left); }
  const left = Math.max(0, Math.round((ends - performance.now()) / 1000));
  const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60].map(String);
  const clock = `${hours > 0 ? `${hours}:${minutes.padStart(2, "0")}` : minutes}:${seconds.padStart(2, "0")}`;
  box.querySelector("[role=timer]").textContent = clock;
  box.querySelector(".left-of").setAttribute("stroke-dasharray", `${Math.min(1000, Math.round(1000 * left / Math.max(1, Number(box.dataset.hold))))} 1000`);
  if (left === 0) box.querySelector("h1").textContent = "Leaving now";
}
tick();
setInterval(tick, 1000);

// What is pressed twice is sent once; who comes back by the Back button sees the page as it is now.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
addEventListener("pageshow", (event) => { if (event.persisted) location.assign(here); });
