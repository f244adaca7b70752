// The brand while it is typed: after a short pause the samples and the judgement follow. Nothing is saved by it.
const PAUSE = 250; // ms without a change
const form = document.querySelector("[data-settings]");
const samples = [...document.querySelectorAll("[data-sample]")];
const schemes = document.querySelector("[data-schemes]");
let scheme = "light", waiting = 0, asked = 0;

const query = () => new URLSearchParams([...new FormData(form)].filter(([name]) => name.startsWith("brand.")));

// A new sample is loaded behind the old one and takes its place, so that nothing flashes.
function exchange(old) {
  const next = old.cloneNode(), at = old.contentDocument?.scrollingElement?.scrollTop ?? 0, words = query();
  words.set("colours", scheme);
  next.src = `${old.dataset.sample}?${words}`;
  next.classList.add("coming");
  next.addEventListener("load", () => {
    const page = next.contentDocument?.scrollingElement;
    if (page) page.scrollTop = at;
    for (const other of [...next.parentNode.children]) if (other !== next) other.remove();
    next.classList.remove("coming");
    samples[samples.indexOf(old)] = next;
  }, { once: true });
  for (const late of old.parentNode.querySelectorAll(".coming")) late.remove();
  old.after(next);
}

async function judge() {
  const mine = ++asked, answer = await fetch(`/settings/brand/contrast?${query()}`);
  const text = answer.ok ? await answer.text() : "";
  if (!text || mine !== asked) return;
  const old = document.getElementById("contrast"), next = new DOMParser().parseFromString(text, "text/html").getElementById("contrast");
  next.querySelector("details").open = old.querySelector("details").open;
  old.replaceWith(document.importNode(next, true));
  offer();
}

function follow() {
  clearTimeout(waiting);
  waiting = setTimeout(() => { samples.forEach(exchange); judge(); }, PAUSE);
}

const offer = () => { for (const button of document.querySelectorAll("[data-use]")) button.hidden = false; };

function put(field, value) {
  field.value = value;
  const picker = document.querySelector(`[data-picks="${CSS.escape(field.id)}"]`);
  if (picker && /^#[0-9a-f]{6}$/i.test(value)) picker.value = value;
  follow();
}

for (const picker of document.querySelectorAll("[data-picks]")) {
  const field = document.getElementById(picker.dataset.picks);
  picker.hidden = false;
  picker.addEventListener("input", () => put(field, picker.value));
  field.addEventListener("input", () => put(field, field.value));
}
form.addEventListener("input", follow);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-use]");
  if (button) put(document.getElementById(`f-${button.dataset.use}`), button.dataset.value);
});
document.querySelector("[data-look]").hidden = true;
schemes.hidden = false;
schemes.addEventListener("click", (event) => {
  if (!event.target.value) return;
  scheme = event.target.value;
  for (const one of schemes.children) one.setAttribute("aria-pressed", one === event.target);
  samples.forEach(exchange);
});
offer();

// A logo is taken in at once, and used once the form is saved.
for (const name of ["logo", "logo_dark"]) {
  const field = document.getElementById(`f-brand.${name}`), said = document.getElementById(`h-brand.${name}`);
  if (!field || field.disabled) continue;
  const choose = Object.assign(document.createElement("input"), { type: "file", accept: "image/png,image/jpeg,image/webp,image/gif", hidden: true });
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: "Choose a file" });
  button.setAttribute("aria-label", `${field.labels[0].textContent}: choose a file`);
  button.addEventListener("click", () => choose.click());
  choose.addEventListener("change", async () => {
    const answer = await fetch("/settings/brand/logo", { method: "POST", body: choose.files[0] }), told = await answer.json();
    if (answer.ok) put(field, told.name); else said.textContent = told.words;
    choose.value = "";
  });
  const row = Object.assign(document.createElement("div"), { className: "picked" });
  field.replaceWith(row);
  row.append(field, button, choose);
}
