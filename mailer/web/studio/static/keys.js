// Keys for the whole house. Single letters work outside fields only, and can be switched off in the list of keys.
const OFF = "studio-single-keys-off";

const inField = (target) => target.closest?.("input, textarea, select, [contenteditable]");

const singleKeysOff = () => { try { return localStorage.getItem(OFF) === "1"; } catch { return false; } };

function moveRow(by) {
  const rows = [...document.querySelectorAll("main [data-row]")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

export function startKeys() {
  const dialog = document.getElementById("keys");
  if (!dialog) return;
  const go = {}, press = {};
  for (const one of dialog.querySelectorAll("[data-go]")) go[one.dataset.go.toLowerCase()] = one.dataset.path;
  for (const one of dialog.querySelectorAll("[data-press]")) press[one.dataset.press.toLowerCase()] = one.dataset.path;
  const box = document.getElementById("single-keys");
  box.checked = !singleKeysOff();
  box.addEventListener("change", () => { try { localStorage.setItem(OFF, box.checked ? "0" : "1"); } catch { /* not kept */ } });
  const show = (event) => { event?.preventDefault(); dialog.showModal(); };
  for (const link of document.querySelectorAll("[data-keys]")) link.addEventListener("click", show);

  let waiting = 0; // until when a G waits for its second letter
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || inField(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (event.key === "?") return show(event);
    if (singleKeysOff()) return;
    if (Date.now() < waiting && go[key]) { waiting = 0; event.preventDefault(); location.href = go[key]; return; }
    waiting = 0;
    if (key === "g") { waiting = Date.now() + 1500; return; }
    if (press[key]) { event.preventDefault(); location.href = press[key]; return; }
    if (key === "j" || event.key === "ArrowDown" && event.target.matches?.("[data-row]")) { event.preventDefault(); moveRow(1); }
    if (key === "k" || event.key === "ArrowUp" && event.target.matches?.("[data-row]")) { event.preventDefault(); moveRow(-1); }
    // For the open room: one that takes it says so, or the letter would be written into the field it goes to.
    if (!document.dispatchEvent(new CustomEvent("pressed-key", { detail: key, cancelable: true }))) event.preventDefault();
    if (key === "[") document.body.classList.toggle("wide");
    const step = /^[1-9]$/.test(key) && document.querySelector(`[data-step="${key}"]`);
    if (step) location.href = step.href;
  });
}
