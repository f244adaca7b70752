// Following goes on by itself, and says when it has lost its connection.
import { renew, watch } from "./live.js";

const page = document.querySelector("[data-following]"), told = document.getElementById("live");
watch(page.dataset.following, page.dataset.seen, () => renew(), (lost) => {
  told.textContent = lost ? told.dataset.lost : "Live";
  told.classList.toggle("warn", lost);
  told.classList.toggle("desk", !lost);
});
// Rates and times go on when nothing else does.
setInterval(() => { if (!document.hidden) renew(); }, 15000);
