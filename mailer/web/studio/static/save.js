// Saving in the Write room. What is typed is kept in this browser and in the studio until it is saved; a save names the
// text it is based on, so that nothing of anybody else is overwritten.
import { autosave } from "./drafts.js";
import { watch } from "./live.js";

const KEEP = 400; // ms without a key before what is typed is kept here
const room = document.querySelector(".write");
// Somebody saved the newsletter elsewhere: in another window, an editor, or by git.
watch(`/newsletters/${room.dataset.slug}/changes`, room.dataset.mark, room.dataset.writes ? start() : () => location.reload());

// Returns what hears of each change of the newsletter's files.
function start() {
  const form = document.getElementById("writing"), text = document.getElementById("text");
  const button = document.getElementById("save"), told = document.getElementById("saving");
  const address = `${room.dataset.base}/save`, name = `kept ${room.dataset.base}`;
  let base = JSON.parse(document.getElementById("base").textContent);
  let said = sent(), busy = false, again = false, keeping = 0, leaving = false;
  let uploads = 0, heard = ""; // while a save or a picture was on its way
  const ours = new Set(); // what the newsletter's files are known by after our own saves and pictures
  const drafts = autosave(room, { now: () => (busy || isSaved(state()) ? null : { base, ...state() }), bring, differs });

  function fields() { return Object.fromEntries([...form.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one.value])); }
  function state() { return { fields: fields(), body: text.value }; }
  // What the studio sent: the fields may hold something else already, typed before this ran or filled in again by the browser.
  function sent() {
    const first = (one) => (one.options ? [...one.options].find((option) => option.defaultSelected)?.value ?? one.value : one.defaultValue);
    return { fields: Object.fromEntries([...form.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, first(one)])), body: text.defaultValue };
  }
  function changes(now) { return Object.fromEntries(Object.entries(now.fields).filter(([key, value]) => value !== said.fields[key])); }
  function isSaved(now) { return now.body === said.body && !Object.keys(changes(now)).length; }
  function tell(words, kind = "") { told.textContent = words; told.className = `sm ${kind || "sub"}`; }

  async function save() {
    if (busy) { again = true; return; }
    const now = state();
    if (isSaved(now)) { tell("Saved"); return; }
    busy = true;
    button.disabled = true;
    tell("Saving …");
    try {
      await drafts.settled(); // else a draft on its way would come in after the save, and look unsaved
      const answer = await fetch(address, {
        method: "POST", headers: { "Content-Type": "application/json", ...(await tagOf(base)) },
        body: JSON.stringify({ base, body: now.body, fields: changes(now) }),
      });
      if (answer.status === 401) { tell("Not saved: you are signed out. Sign in in another window, then press Save. It is safe in this browser.", "bad"); return; }
      const done = await answer.json();
      if (done.state === "saved") {
        [base, said] = [done.base, now];
        ours.add(done.mark);
        keep();
        tell(done.git ? `Saved. ${done.git}` : "Saved", done.git ? "bad" : "");
      } else if (done.state === "merged") {
        said = now;
        sessionStorage.setItem(`${name} told`, `Saved, and put together with what somebody else changed meanwhile. Nothing of yours is lost. ${done.git}`);
        reload();
      } else if (done.state === "conflict") {
        both(done.theirs);
      } else {
        tell(`Not saved: ${done.words ?? "the studio could not save it just now"}. It is safe in this browser.`, "bad");
      }
    } catch {
      tell("Not saved: no connection. It is safe in this browser; press Save when you are back.", "bad");
    } finally {
      busy = false;
      button.disabled = false;
      seen(heard);
      if (again) { again = false; save(); }
      else { follow(); drafts.later(); } // what was typed while it was saved
    }
  }

  // What the save is based on, as HTTP names it. Browsers count digests on pages that nobody can listen to.
  async function tagOf(words) {
    if (!crypto.subtle) return {};
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(words)));
    return { "If-Match": `"${[...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")}"` };
  }

  // The same lines were changed here and elsewhere: both are shown, and a person decides.
  function both(theirs) {
    const box = document.getElementById("both");
    box.hidden = false;
    box.querySelector("pre").textContent = theirs;
    box.querySelector("[data-mine]").onclick = () => { base = theirs; said = { ...said, body: null }; box.hidden = true; save(); };
    box.querySelector("[data-theirs]").onclick = () => { said = state(); reload(); };
    box.scrollIntoView({ block: "nearest" });
    tell("Not saved yet: somebody changed the same lines", "bad");
  }

  // Whether it was our own doing is known once that is answered, which takes as long as a commit does.
  function seen(mark) {
    heard = busy || uploads ? mark : "";
    if (!mark || heard || ours.has(mark)) return;
    if (isSaved(state())) reload();
    else document.getElementById("kept").textContent = "Somebody changed this newsletter meanwhile. What you typed is still here.";
  }

  // What isn't saved is kept as the page goes, so nobody is asked whether to leave it.
  function reload() {
    leaving = true;
    location.reload();
  }

  function follow() {
    if (busy) return;
    const unsaved = told.textContent.startsWith("Not saved"); // what was told of the last save stays while it holds
    if (isSaved(state())) { if (unsaved) tell("Saved"); } else if (!unsaved) tell("Not saved yet");
  }

  function keep() {
    const now = state();
    try {
      if (isSaved(now)) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify({ base, now, at: new Date().toISOString() }));
    } catch { /* a full or forbidden store: what is typed is still on the page */ }
  }

  function differs(now) { return now.body !== text.value || Object.entries(fields()).some(([key, value]) => (now.fields[key] ?? value) !== value); }

  // Puts a draft into the editor. Where its base comes with it, what was saved since is put together with it.
  function bring(kept) {
    for (const one of form.querySelectorAll("[data-key]")) {
      if (!(one.dataset.key in kept.fields)) continue;
      one.value = kept.fields[one.dataset.key];
      one.dispatchEvent(new Event("bring"));
    }
    base = kept.base ?? base;
    room.dispatchEvent(new CustomEvent("retext", { detail: kept.body }));
    text.value = kept.body;
    form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function offer() {
    const kept = JSON.parse(localStorage.getItem(name) ?? "null");
    const left = sessionStorage.getItem(`${name} left`);
    sessionStorage.removeItem(`${name} left`);
    if (!kept || !differs(kept.now)) { drafts.offer(); return; }
    if (left) { bring({ base: kept.base, ...kept.now }); return; }
    drafts.ask(kept.at, () => bring({ base: kept.base, ...kept.now }), () => localStorage.removeItem(name));
  }

  form.addEventListener("input", () => {
    clearTimeout(keeping);
    keeping = setTimeout(keep, KEEP);
    setTimeout(follow, 50); // the text area follows the editor
    drafts.later();
  });
  button.addEventListener("click", save);
  button.disabled = false; // until now a press of it would have been lost
  room.addEventListener("save", save);
  room.addEventListener("uploading", () => { uploads += 1; });
  room.addEventListener("uploaded", ({ detail }) => { uploads -= 1; ours.add(detail); seen(heard); });
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); save(); }
  });
  addEventListener("pagehide", keep);
  // To another text of the newsletter: what is typed here is kept, and there again on coming back.
  for (const tab of document.querySelectorAll("[data-tab]")) tab.addEventListener("click", () => { leaving = true; sessionStorage.setItem(`${name} left`, "1"); });
  addEventListener("beforeunload", (event) => { if (!leaving && !isSaved(state())) event.preventDefault(); });
  const before = sessionStorage.getItem(`${name} told`);
  if (before) { tell(before); sessionStorage.removeItem(`${name} told`); }
  offer();
  follow();
  return seen;
}
