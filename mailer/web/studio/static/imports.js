// Brings a file in pieces, so that one that breaks off goes on where it ended; and follows what is done with it.
import { renew, watch } from "./live.js";

const SMALL = 64 * 1024, LARGE = 1024 * 1024, QUICK = 1500, SLOW = 6000, PAUSE = 2000, TRIES = 30;

const going = document.querySelector("[data-importing]");
if (going) {
  watch(going.dataset.importing, going.dataset.seen, async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected) location.replace(answer.url); // to the next step, once it is done
    else if (answer.ok) await renew();
  });
}

for (const form of crypto.subtle ? document.querySelectorAll("form.bring") : []) {
  const file = form.elements.file, drop = form.querySelector(".drop"), told = form.querySelector(".coming");
  const bar = form.querySelector(".bar"), button = form.querySelector("button");
  const say = (words, bad = false) => { told.hidden = false; told.textContent = words; told.classList.toggle("bad", bad); };
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const value = (name) => form.elements[name]?.value ?? "";
  const key = (one, joins) => `import ${one.name} ${one.size} ${one.lastModified} ${value("list")} ${value("origin")} ${joins}`;

  // Where to go on: an upload of the same file that was begun before, or a new one.
  async function place(one, joins) {
    const before = localStorage.getItem(key(one, joins));
    if (before) {
      const answer = await fetch(`${before}/at`);
      const found = answer.ok ? await answer.json() : null;
      if (found && found.at >= 0 && found.at < one.size) return found;
    }
    const about = new URLSearchParams({ name: one.name, size: one.size, list: value("list"), origin: value("origin"), joins });
    const answer = await fetch("/imports/files", { method: "POST", body: about });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.words);
    localStorage.setItem(key(one, joins), found.address);
    return found;
  }

  // Brings one file, and answers with the address of what it is part of.
  async function bring(one, joins) {
    let { address, at } = await place(one, joins), size = 4 * SMALL, tries = 0;
    for (;;) {
      const piece = await one.slice(at, at + size).arrayBuffer(), begun = performance.now();
      let found = null, words = "";
      try {
        const digest = hex(await crypto.subtle.digest("SHA-256", piece));
        const answer = await fetch(`${address}/piece?at=${at}&sha256=${digest}`, { method: "POST", body: piece });
        if (answer.ok || answer.status === 409) found = await answer.json();
        else if (answer.status < 500) words = (await answer.json().catch(() => ({}))).words || "The studio doesn’t take it any more. Load the page again.";
      } catch { /* no connection: tried again below */ }
      if (words) throw new Error(words);
      if (!found) {
        if (++tries > TRIES) throw new Error("No connection. What has come is kept for a day: choose the same file again, and it goes on.");
        say("No connection. It goes on by itself.", true);
        await pause(PAUSE);
        continue;
      }
      const took = performance.now() - begun;
      tries = found.at > at ? 0 : tries + 1;
      if (tries > TRIES) throw new Error("The file changed meanwhile. Choose it again.");
      at = found.at;
      if (took < QUICK) size = Math.min(LARGE, size * 2);
      else if (took > SLOW) size = Math.max(SMALL, size / 2);
      bar.querySelector(".done").setAttribute("width", Math.round(1000 * at / one.size));
      say(`${Math.floor(100 * at / one.size)} % of ${one.name} is here`);
      if (found.next) {
        localStorage.removeItem(key(one, joins));
        return found.next;
      }
    }
  }

  form.addEventListener("submit", async (event) => {
    const all = [...file.files];
    if (!all.length) return;
    event.preventDefault();
    if (all.some((one) => one.size > Number(form.dataset.most))) return say("This file is too large. Export it in parts.", true);
    button.disabled = true;
    bar.removeAttribute("hidden");
    try {
      let next = "", joins = value("joins");
      for (const one of all) {
        next = await bring(one, joins);
        joins = next.split("/").pop();
      }
      location.assign(next);
    } catch (error) {
      say(error.message, true);
      button.disabled = false;
    }
  });
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.remove("over"); });
  drop.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length !== 1 && !file.multiple) return say("One file at a time; a .zip may hold several.", true);
    file.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}
