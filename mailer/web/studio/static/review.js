// The Review room goes on by itself, except for what somebody is about to approve: that is never exchanged unseen.
import { renew, watch } from "./live.js";

const room = document.querySelector(".review");

async function count() {
  const answer = await fetch(`${room.dataset.here}/facts`);
  if (!answer.ok) return;
  const facts = document.getElementById("facts");
  const rows = new DOMParser().parseFromString(`<dl>${await answer.text()}</dl>`, "text/html").querySelectorAll("dl>div");
  [...rows].forEach((row, at) => facts?.children[at]?.replaceWith(document.importNode(row, true)));
}

const lookedAt = (page) => page.querySelector("#give [name=seen]")?.value;

// An approver sees that it changed, and what; the button waits until they looked. Everybody else just sees the newest.
async function moved() {
  const address = room.dataset.here + location.search;
  const mine = lookedAt(document);
  if (mine) {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    if (lookedAt(new DOMParser().parseFromString(await answer.text(), "text/html")) !== mine) {
      document.getElementById("moved").hidden = false;
      for (const button of document.querySelectorAll("#approve, [data-approve]")) button.disabled = true;
      document.getElementById("moved").scrollIntoView({ block: "nearest" });
      return;
    }
  }
  await renew(address);
  await count();
}

function comment() {
  const rows = [...document.querySelectorAll(".row:has(.say)")];
  const middle = innerHeight / 2;
  const far = (row) => Math.abs(row.getBoundingClientRect().top - middle);
  const nearest = document.activeElement?.closest?.(".row:has(.say)") ?? rows.sort((a, b) => far(a) - far(b))[0];
  const box = nearest?.querySelector(".say");
  if (!box) return;
  box.open = true;
  box.querySelector("textarea:not([hidden])").focus();
}

if (room) {
  watch(`${room.dataset.here}/moves`, room.dataset.mark, moved);
  count();
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.(".say") && event.target.open) event.target.querySelector("textarea:not([hidden])").focus();
  }, true);
  document.addEventListener("pressed-key", (event) => {
    if (event.detail === "c") { event.preventDefault(); comment(); }
    if (event.detail === "a") document.getElementById("approve")?.focus();
  });
  document.getElementById("as")?.addEventListener("change", (event) => event.target.form.requestSubmit());
}
