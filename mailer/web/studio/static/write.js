import { askCondition } from "./condition.js";
import { mount } from "./editor/editor.js";
import { mountLine } from "./editor/line.js";
import { choosePicture } from "./editor/tools.js";

// The Write room: what is typed is looked at after a short pause, and the panel follows. Saving is for save.js.
const room = document.querySelector(".write");
const form = document.getElementById("writing");
const text = document.getElementById("text");
const base = room.dataset.base, home = `/newsletters/${room.dataset.slug}`; // of this text, and of the newsletter
const PAUSE = 120; // ms without a key before the mail is made again
const SETTLED = 900; // ms before everything the check knows is looked for
const NEXT = { light: "dark", dark: "forced", forced: "light" };
const COLOURS = { light: "Light", dark: "Dark, as Apple Mail shows it", forced: "Dark, as Gmail and Outlook may show it" };
const view = Object.fromEntries(new URLSearchParams(location.search));
const fields = () => Object.fromEntries([...form.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one.value]));
const inPlace = JSON.parse(document.getElementById("editor")?.textContent ?? "{}"); // what is shown in place of notation
const isMail = room.dataset.mail === "1"; // or of thanks; else it is a page
const isCounted = room.dataset.part === "mail"; // whose readers are known
const editor = text.readOnly ? null : mount(text, {
  ...inPlace, text: text.value, actionLabel: inPlace.actionLabel || undefined, nonce: room.dataset.nonce, language: text.lang || undefined, pause: 0,
  onChange: () => changed(), onSave: () => room.dispatchEvent(new Event("save")), onFix: fix, onProblem: trouble,
  ...(isMail ? { uploadPicture, buildCondition } : { signPage: "" }),
});
const lines = text.readOnly || !isMail ? [] : [...form.querySelectorAll("textarea.subject, textarea.preheader")].map((one) =>
  Object.assign(one, { line: mountLine(one, { tags: inPlace.tags, nonce: room.dataset.nonce, language: text.lang || undefined }) }));
const words = () => editor?.text ?? text.value;
room.addEventListener("retext", ({ detail }) => { editor?.setText(detail); });

let pause = 0, settle = 0, running = false, again = null, look = room.dataset.look, can = room.dataset.can === "1";

// Text areas that are as high as their text, where the browser doesn't do it by itself.
const grow = (area) => { if (!CSS.supports("field-sizing", "content")) { area.style.height = "auto"; area.style.height = `${area.scrollHeight}px`; } };
for (const area of form.querySelectorAll("textarea[data-key]:not([hidden])")) { grow(area); area.addEventListener("input", () => grow(area)); }

function address() {
  const query = new URLSearchParams(Object.entries({ as: "ada", shape: "phone", colours: "light", ...view }).filter(([, value]) => value));
  return `${isMail ? home : base}/look/${look}/${isMail ? "mail" : "page"}?${query}`;
}

// A new mail is loaded behind the old one and takes its place at the same height of the page, so that nothing flashes.
function exchange() {
  const shown = document.getElementById("shown");
  shown.className = `shown ${view.shape ?? "phone"}`;
  const old = document.getElementById("mail");
  if (!can || view.shape === "text") return;
  if (!old) { shown.replaceChildren(frameIn()); return; }
  const scrolled = old.contentDocument?.scrollingElement?.scrollTop ?? 0;
  const next = old.cloneNode();
  next.src = address();
  next.classList.add("coming");
  next.removeAttribute("id");
  next.addEventListener("load", () => {
    const page = next.contentDocument?.scrollingElement;
    if (page) page.scrollTop = scrolled;
    for (const other of [...next.parentNode.children]) if (other !== next) other.remove();
    next.id = "mail";
    next.classList.remove("coming");
  }, { once: true });
  for (const waiting of old.parentNode.querySelectorAll(".coming")) waiting.remove();
  old.after(next);
}

function frameIn() {
  const device = document.createElement("div"), frame = document.createElement("iframe");
  device.className = "device";
  frame.id = "mail";
  frame.title = "The mail as it is read";
  frame.setAttribute("sandbox", "allow-same-origin");
  frame.src = address();
  device.append(frame);
  return device;
}

function showFound({ findings, marks, words, weight }) {
  document.getElementById("findings").innerHTML = findings;
  if (again === null) editor?.setFindings(marks);
  const fact = document.querySelector(".way [aria-current] span");
  if (fact && isCounted) { fact.textContent = words; fact.className = weight; }
}

async function make(whole = false) {
  if (running) { again = Boolean(again) || whole; return; }
  running = true;
  try {
    const answer = await fetch(`${base}/look`, {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ fields: fields(), body: words(), view, whole }),
    });
    if (answer.status === 401) { say("You are signed out. Sign in in another window; what you typed is still here."); return; }
    if (!answer.ok) { say("The studio could not look at this just now. What you typed is still here."); return; }
    const told = await answer.json();
    if (!told.partial) showFound(told);
    if (told.inboxes !== undefined) document.getElementById("inboxes").innerHTML = told.inboxes;
    for (const one of document.querySelectorAll("[data-count]")) one.textContent = told.lengths[one.dataset.count] ?? 0;
    const plain = document.querySelector("#shown .plaintext"); // not the two versions of a conflict
    if (plain) plain.textContent = told.text;
    if (told.look !== look || told.can !== can) { look = told.look; can = told.can; exchange(); }
    say("");
  } catch {
    say("No connection. What you typed is still here.");
  } finally {
    running = false;
    if (again !== null) { const next = again; again = null; make(next); }
  }
}

function changed() {
  clearTimeout(pause);
  clearTimeout(settle);
  pause = setTimeout(() => make(), PAUSE);
  settle = setTimeout(() => make(true), SETTLED);
}

// What somebody pressed and couldn't be done: it stays until the next time something can.
function trouble(said) {
  const place = document.getElementById("trouble");
  place.hidden = !said;
  place.textContent = said;
  if (said) place.scrollIntoView({ block: "nearest" });
}

async function uploadPicture(file) {
  trouble("");
  let answer, told = {};
  room.dispatchEvent(new Event("uploading"));
  try {
    answer = await fetch(`${home}/pictures`, { method: "POST", headers: { "Content-Type": file.type || "application/octet-stream" }, body: file });
    told = await answer.json().catch(() => ({}));
  } catch {
    throw new Error("There is no connection.");
  } finally {
    room.dispatchEvent(new CustomEvent("uploaded", { detail: told.mark }));
  }
  if (answer.status === 413) throw new Error("It is larger than 30 MB: choose a smaller one.");
  if (!answer.ok) throw new Error(told.words ?? "The studio could not take it just now.");
  return told;
}

// A picture of the template's own: its field holds the name.
for (const button of document.querySelectorAll("[data-choose]")) {
  button.addEventListener("click", () => choosePicture(async (file) => {
    const field = document.getElementById(button.dataset.choose);
    try {
      field.value = (await uploadPicture(file)).source;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    } catch (error) { trouble(`The picture wasn’t taken. ${error.message}`); }
  }));
}

async function buildCondition(expression) {
  const told = await askCondition(expression, `${home}/condition`, { counts: isCounted });
  if (told?.words) (inPlace.conditions ??= []).push(told);
  return told?.expression ?? null;
}

// A finding's fix: the words of its line become others, where they are there once.
function fix({ line, fix: { words: wrong, put } }) {
  if (!editor || line > editor.view.state.doc.lines) return;
  const { from, text: said } = editor.view.state.doc.line(line);
  const at = said.indexOf(wrong);
  if (at < 0) return;
  editor.view.dispatch({ changes: { from: from + at, to: from + at + wrong.length, insert: put }, userEvent: "input", scrollIntoView: true });
}

function say(words) { document.getElementById("looked").textContent = words; }

if (room.dataset.writes) {
  form.addEventListener("input", (event) => { if (event.target.dataset.key) changed(); });
  settle = setTimeout(() => make(true), SETTLED);
}
form.addEventListener("submit", (event) => { event.preventDefault(); make(true); });

// A finding leads to its line of the text, or to its field; its fix is done.
document.getElementById("findings").addEventListener("click", (event) => {
  const button = event.target.closest("[data-line]");
  if (!button) return;
  lead(button.dataset.field, Number(button.dataset.line));
  if (button.dataset.fix) fix({ line: Number(button.dataset.line), fix: JSON.parse(button.dataset.fix) });
});

function lead(key, line) {
  const field = key && document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (field) { field.closest("details")?.setAttribute("open", ""); (field.line ?? field).focus(); return; }
  if (editor && line) {
    const { from, to } = editor.view.state.doc.line(Math.min(Math.max(1, line), editor.view.state.doc.lines));
    editor.view.dispatch({ selection: { anchor: from, head: to }, scrollIntoView: true });
    editor.focus();
    return;
  }
  text.focus();
}

// Other rooms lead to a place by the address: #field-subject, #line-12.
const [, what, where] = location.hash.match(/^#(field|line)-(.+)$/) ?? [];
if (what) lead(what === "field" && decodeURIComponent(where), what === "line" ? Number(where) : 0);

// Names go into the line that was written in last.
let lastLine = lines[0];
for (const one of lines) one.line.view.contentDOM.addEventListener("focus", () => { lastLine = one; });
document.getElementById("put-name")?.addEventListener("click", () => lastLine.line.putName());

// How many have a value is counted once the page is there.
if (isCounted && editor) {
  fetch(`${home}/known`).then((answer) => answer.json()).then(({ of, known }) => {
    for (const tag of inPlace.tags ?? []) if (tag.tag in known) Object.assign(tag, { known: known[tag.tag], of });
  }).catch(() => { /* the menu shows the names without numbers */ });
}

// How the mail is looked at: without loading the page again, so that what was typed stays.
document.getElementById("panel").addEventListener("click", (event) => {
  const link = event.target.closest("[data-shape], [data-colours], [data-pictures], [data-reader]");
  if (!link || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  const wanted = Object.fromEntries(new URLSearchParams(link.search));
  if (link.dataset.shape) view.shape = wanted.shape;
  if ("colours" in link.dataset) view.colours = NEXT[view.colours ?? "light"];
  if ("pictures" in link.dataset) view.pictures = view.pictures === "off" ? "" : "off";
  if (link.dataset.reader) view.as = wanted.as;
  history.replaceState(null, "", `?${new URLSearchParams(Object.entries(view).filter(([, value]) => value))}`);
  mark();
  const shown = document.getElementById("shown");
  if (view.shape === "text") {
    const plain = document.createElement("pre");
    Object.assign(plain, { className: "plaintext", tabIndex: 0, dir: "auto" });
    plain.setAttribute("aria-label", "The mail as plain text");
    shown.replaceChildren(plain);
    shown.className = "shown text";
    make();
  } else {
    if (link.dataset.reader) make();
    exchange();
  }
});

function current(link, is) { if (is) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current"); }

function mark() {
  for (const one of document.querySelectorAll("[data-shape]")) current(one, one.dataset.shape === (view.shape ?? "phone"));
  if (!isMail) return;
  const dark = document.querySelector("[data-colours]"), pictures = document.querySelector("[data-pictures]");
  const colours = view.colours ?? "light", told = document.getElementById("colours");
  current(dark, colours !== "light");
  dark.setAttribute("aria-label", COLOURS[NEXT[colours]]);
  told.hidden = colours === "light";
  told.textContent = COLOURS[colours];
  current(pictures, view.pictures === "off");
  pictures.setAttribute("aria-label", view.pictures === "off" ? "With pictures" : "Without pictures");
  for (const one of document.querySelectorAll("[data-reader]")) {
    const here = one.dataset.reader === (view.as ?? "ada");
    current(one, here);
    if (here) whoReads.querySelector("summary bdi").textContent = one.querySelector("bdi").textContent;
  }
  whoReads.removeAttribute("open");
}

// Who reads it: versions of the mail and people by name come when the menu is opened or something is typed there.
const readers = document.getElementById("readers"), whoReads = readers?.closest("details");
async function showReaders(words = "") {
  const answer = await fetch(`${home}/readers?${new URLSearchParams({ look, as: view.as ?? "ada", q: words })}`);
  if (answer.ok) readers.innerHTML = await answer.text();
}
whoReads?.addEventListener("toggle", () => { if (whoReads.open) showReaders(); });
for (const menu of document.querySelectorAll("details.as")) {
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
readers?.addEventListener("submit", async (event) => {
  event.preventDefault();
  await showReaders(event.target.elements.q.value);
  readers.querySelector("input")?.focus();
});

// On a phone one side is shown at a time.
room.dataset.side = "left";
for (const button of document.querySelectorAll("button[data-side]")) {
  button.addEventListener("click", () => {
    room.dataset.side = button.dataset.side;
    for (const other of document.querySelectorAll("button[data-side]")) other.setAttribute("aria-pressed", other === button);
  });
}
