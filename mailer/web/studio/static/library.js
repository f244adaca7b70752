// A file of a template, as text or as a form: tried out in a pause of typing, and a finding leads to its line.
const PAUSE = 900; // ms
const form = document.querySelector("#edit"), text = document.querySelector("#text");
let waiting = 0, asked = 0, unsaved = false;

async function look() {
  const mine = ++asked, fields = new URLSearchParams(new FormData(form));
  fields.set("do", "look");
  const answer = await fetch(form.action, { method: "POST", body: fields, headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || mine !== asked) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of next.querySelectorAll("[data-part]")) {
    document.querySelector(`[data-part="${part.dataset.part}"]`)?.replaceWith(document.importNode(part, true));
  }
}

if (text ? !text.readOnly : form.querySelector("[name=title]:enabled")) {
  form.addEventListener("input", () => {
    unsaved = !text || text.value !== text.defaultValue;
    clearTimeout(waiting);
    waiting = setTimeout(look, PAUSE);
  });
  form.addEventListener("submit", () => { unsaved = false; });
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
}

document.addEventListener("click", (event) => {
  const line = Number(event.target.closest?.("[data-line]")?.dataset.line);
  if (!line || !text) return;
  event.preventDefault();
  const lines = text.value.split("\n"), start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  text.focus();
  text.setSelectionRange(start, start + lines[line - 1].length);
  text.scrollTop = (line - 4) * (text.scrollHeight / lines.length);
});
