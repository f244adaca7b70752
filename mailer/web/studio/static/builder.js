// The builder of conditions: rows that change by what is chosen and pressed. The studio makes the rows; this exchanges them.

const PAUSE = 400; // ms without a key

// Follows a form of rows. `again(button, focus)` is called when its rows must be made again, `changed()` after any change.
export function follow(form, { again, changed }) {
  let timer = 0;
  const later = () => { clearTimeout(timer); timer = setTimeout(changed, PAUSE); };
  const choose = (event) => {
    if (event.target.matches("[data-again]")) again("", event.target.id);
    else if (event.target.matches("select, [type=date]")) later();
  };
  const press = (event) => {
    const button = event.target.closest("button[name=do]");
    if (!button || button.value === "save") return;
    event.preventDefault();
    again(button.value, button.id);
  };
  const type = (event) => { if (event.target.matches("input:not([type=checkbox]), textarea")) later(); };
  const shut = (event) => {
    for (const menu of form.querySelectorAll("details.picks[open]")) {
      if (event.type === "keydown" ? event.key === "Escape" : !menu.contains(event.target)) menu.open = false;
    }
  };
  form.addEventListener("change", choose);
  form.addEventListener("click", press);
  form.addEventListener("input", type);
  form.addEventListener("keydown", shut);
  document.addEventListener("click", shut); // not as it is pressed: what moves up then would not be what is clicked
  return () => { clearTimeout(timer); document.removeEventListener("click", shut); };
}

export function sent(form, button = "") {
  const fields = new URLSearchParams(new FormData(form));
  fields.delete("base");
  fields.set("do", button);
  return fields;
}

// Puts newer rows in the place of `old`; the focus stays where it was, or goes to what a button added.
export function exchange(old, html, button, focus) {
  const open = [...old.querySelectorAll("details[open][id]")].map((one) => one.id);
  const next = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
  old.replaceWith(document.importNode(next, true));
  const made = document.getElementById(next.id) ?? document.querySelector(`form.${next.className}`);
  for (const id of open) { const again = document.getElementById(id); if (again) again.open = true; }
  const added = /^(add|group)/.test(button) && [...made.querySelectorAll(button.includes(".") ? `[id^="what-${button.slice(4)}."]` : ".what")].pop();
  const target = added || document.getElementById(focus) || (/^drop/.test(button) && document.getElementById("add"));
  if (target) target.focus({ preventScroll: true });
  return made;
}

// Presses are answered in their order: each is sent with the rows that the one before it left, so none is lost.
export function inOrder(act) {
  let last = Promise.resolve();
  return (...given) => (last = last.then(() => act(...given)).catch(() => {}));
}

// A condition of the text, for a dialog: fetches its rows into `host` and tells what they come to. `settled()` tells it of
// all that is chosen by now, and promises whether it could. `counts`: whether the text has an audience to count.
export function builder(host, address, told, { counts = true } = {}) {
  const to = address.split("?")[0];
  let stop = () => {}, turn = 0, timer = 0, presses = 0;
  const shown = () => host.querySelector("form.builder");
  async function post(button) {
    const mine = ++turn;
    const answer = await fetch(to, { method: "POST", body: sent(shown(), button) });
    return answer.ok && mine === turn ? answer.json() : null;
  }
  const press = inOrder(async (button, focus) => {
    try {
      const found = await post(button);
      if (!found) return false;
      exchange(shown(), found.html, button, focus);
      watch();
      tell(found);
      return true;
    } finally { presses -= 1; }
  });
  function again(button, focus) {
    clearTimeout(timer);
    presses += 1;
    return press(button, focus);
  }
  async function changed() {
    if (presses) return; // its answer tells all that is chosen by then
    const found = await post("");
    if (found) tell(found);
  }
  function tell({ expression, words, count, of, wrong }) {
    told({ expression, words, count, of, wrong });
    clearTimeout(timer);
    if (counts && expression && count === null) timer = setTimeout(async () => {
      if (presses) return;
      const found = await post("count");
      if (found?.count !== null && found) told({ expression, words, count: found.count, of: found.of, wrong });
    }, PAUSE);
  }
  function watch() {
    stop();
    stop = follow(shown(), { again, changed });
    shown().onsubmit = (event) => event.preventDefault();
  }
  (async () => {
    const answer = await fetch(address);
    if (!answer.ok) return;
    host.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
    watch();
    changed();
    host.querySelector("select, textarea")?.focus();
  })();
  return { settled: () => again(""), close: () => { stop(); clearTimeout(timer); turn += 1; } };
}
