// The room Audience, live: rows follow what is chosen, and the count follows the rows, one request at a time.
import { exchange, follow, inOrder, sent } from "./builder.js";

const room = document.querySelector(".audience"), form = document.getElementById("asking");
const here = room.dataset.address, result = document.getElementById("result");
const saving = document.getElementById("saving"), writes = Boolean(room.dataset.writes);
let flight = null, next = false, dirty = false;

const again = inOrder(async (button, focus) => {
  if (button === "look") { count(); return; }
  const answer = await fetch(`${here}/rows`, { method: "POST", body: sent(form, button) }).catch(() => null);
  if (!answer?.ok) { lost(answer); return; }
  exchange(document.getElementById("chosen"), await answer.text(), button, focus);
  changed(!button.startsWith("as-"));
});

function changed(isChange = true) {
  if (isChange) { dirty = true; saving.textContent = "Not saved yet"; saving.className = "sm sub"; }
  count();
}

// One count at a time: what changes meanwhile is counted after it.
async function count() {
  if (flight) { next = true; return; }
  result.setAttribute("aria-busy", "true");
  const asked = writes ? { method: "POST", body: sent(form, "look") } : {};
  flight = fetch(`${here}/count`, asked).catch(() => null);
  const answer = await flight;
  flight = null;
  if (next) { next = false; count(); return; }
  result.setAttribute("aria-busy", "false");
  if (!answer?.ok) { lost(answer); return; }
  const focus = result.contains(document.activeElement) && document.activeElement.id;
  result.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
}

function lost(answer) {
  const words = answer?.status === 401 ? "You are signed out. Sign in in another window, then go on here."
    : answer?.status === 403 ? "Your account may not work with one of these lists." : "No connection to the studio: nothing is counted or saved just now.";
  saving.textContent = words;
  saving.className = "sm bad";
}

if (writes) {
  follow(form, { again, changed });
  form.addEventListener("submit", () => { dirty = false; });
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); form.requestSubmit(document.getElementById("save")); }
  });
}
result.addEventListener("click", (event) => {
  if (event.target.closest("#others")) { event.preventDefault(); count(); }
});
if (!result.querySelector("[data-now]")) count(); // an older count stays on the page meanwhile
