// Saving in the Write room. What is typed is kept in this browser until it is saved; a save names the text it is based
// on, so that nothing of anybody else is overwritten.
const KEEP = 400; // ms without a key before what is typed is kept here
const room = document.querySelector(".write[data-writes='1']");
if (room) start();

function start() {
  const form = document.getElementById("writing"), text = document.getElementById("text");
  const button = document.getElementById("save"), told = document.getElementById("saving");
  const address = `/newsletters/${room.dataset.slug}/save`, name = `kept ${room.dataset.slug}`;
  let base = JSON.parse(document.getElementById("base").textContent);
  let said = state(), busy = false, again = false, keeping = 0;

  function fields() { return Object.fromEntries([...form.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one.value])); }
  function state() { return { fields: fields(), body: text.value }; }
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
      const answer = await fetch(address, {
        method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ base, body: now.body, fields: changes(now) }),
      });
      if (answer.status === 401) { tell("Not saved: you are signed out. Sign in in another window, then press Save. It is safe in this browser.", "bad"); return; }
      const done = await answer.json();
      if (done.state === "saved") {
        [base, said] = [done.base, now];
        room.dispatchEvent(new CustomEvent("saved"));
        keep();
        tell("Saved");
      } else if (done.state === "merged") {
        localStorage.removeItem(name);
        room.dispatchEvent(new CustomEvent("saved"));
        sessionStorage.setItem(`${name} told`, "Saved, and put together with what somebody else changed meanwhile. Nothing of yours is lost.");
        location.reload();
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
      if (again) { again = false; save(); }
    }
  }

  // The same lines were changed here and elsewhere: both are shown, and a person decides.
  function both(theirs) {
    const box = document.getElementById("both");
    box.hidden = false;
    box.querySelector("pre").textContent = theirs;
    box.querySelector("[data-mine]").onclick = () => { base = theirs; said = { fields: {}, body: null }; box.hidden = true; save(); };
    box.querySelector("[data-theirs]").onclick = () => { localStorage.removeItem(name); room.dispatchEvent(new CustomEvent("saved")); location.reload(); };
    box.scrollIntoView({ block: "nearest" });
    tell("Not saved yet: somebody changed the same lines", "bad");
  }

  function keep() {
    const now = state();
    try {
      if (isSaved(now)) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify({ base, now, at: new Date().toISOString() }));
    } catch { /* a full or forbidden store: what is typed is still on the page */ }
  }

  function offer() {
    const kept = JSON.parse(localStorage.getItem(name) ?? "null");
    if (!kept || JSON.stringify(kept.now) === JSON.stringify(state())) return;
    const box = document.getElementById("offer");
    box.hidden = false;
    box.querySelector("time").textContent = new Date(kept.at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    box.querySelector("[data-back]").onclick = () => {
      for (const one of form.querySelectorAll("[data-key]")) if (one.dataset.key in kept.now.fields) one.value = kept.now.fields[one.dataset.key];
      base = kept.base; // so that what was saved since is put together with it, and not overwritten
      room.dispatchEvent(new CustomEvent("retext", { detail: kept.now.body }));
      text.value = kept.now.body;
      form.dispatchEvent(new Event("input", { bubbles: true }));
      box.hidden = true;
    };
    box.querySelector("[data-drop]").onclick = () => { localStorage.removeItem(name); box.hidden = true; };
  }

  form.addEventListener("input", () => {
    clearTimeout(keeping);
    keeping = setTimeout(keep, KEEP);
    if (!busy) tell(isSaved(state()) ? "Saved" : "Not saved yet");
  });
  button.addEventListener("click", save);
  room.addEventListener("save", save);
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); save(); }
  });
  addEventListener("pagehide", keep);
  const before = sessionStorage.getItem(`${name} told`);
  if (before) { tell(before); sessionStorage.removeItem(`${name} told`); }
  offer();
}
