// Drafts of the Write room: what is typed goes to the studio in every pause, is offered on the next visit, from any
// browser, and each of them can be brought back.
const PAUSE = 2000; // ms without a key

// `write.now` is what isn't saved, or null; `write.bring` puts a draft into the editor; `write.differs` compares one.
export function autosave(room, write) {
  const here = room.dataset.base, left = `left ${here}`;
  const box = document.getElementById("offer"), others = document.getElementById("others"), earlier = document.getElementById("earlier");
  const newest = JSON.parse(document.getElementById("draft").textContent);
  let flight = null, next = false, sent = "", timer = 0;

  function later() {
    clearTimeout(timer);
    timer = setTimeout(send, PAUSE);
  }

  // One request at a time: what is typed meanwhile goes with the next one.
  function send() {
    const now = write.now();
    if (!now) return;
    const text = JSON.stringify(now);
    if (text === sent) return;
    if (flight) { next = true; return; }
    flight = post(text).finally(() => {
      flight = null;
      if (next) { next = false; later(); }
    });
  }

  async function post(text) {
    try {
      const answer = await fetch(`${here}/draft`, { method: "POST", headers: { "Content-Type": "application/json" }, body: text });
      if (!answer.ok) return;
      sent = text;
      present((await answer.json()).writing);
    } catch { /* no connection: it is kept in this browser, and goes when there is one */ }
  }

  function present(names) {
    others.hidden = !names.length;
    others.querySelector("bdi").textContent = names.join(", ");
  }

  async function fetched(id) {
    const answer = await fetch(`${here}/drafts/${id}`);
    return answer.ok ? answer.json() : null;
  }

  function ask(at, back, drop) {
    box.hidden = false;
    box.querySelector("time").textContent = new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    box.querySelector("[data-back]").onclick = () => { back(); box.hidden = true; };
    box.querySelector("[data-drop]").onclick = () => { drop(); box.hidden = true; };
  }

  async function offer() {
    if (!newest || localStorage.getItem(left) === String(newest.id)) return;
    const draft = await fetched(newest.id);
    if (draft && write.differs(draft) && !write.now()) ask(newest.at, () => write.bring(draft), () => localStorage.setItem(left, newest.id));
  }

  async function list() {
    if (!earlier.open) return;
    const answer = await fetch(`${here}/drafts`);
    if (!answer.ok) return;
    const lines = (await answer.json()).map(({ id, by, when, saved }) => {
      const line = document.createElement("li"), words = document.createElement("span"), button = document.createElement("button");
      words.textContent = `${when}, ${by}${saved ? "" : ", not saved"}`;
      words.className = "grow";
      Object.assign(button, { type: "button", className: "btn", textContent: "Bring it back" });
      button.setAttribute("aria-label", `Bring back the draft of ${when}`);
      button.addEventListener("click", async () => {
        const draft = await fetched(id);
        // What its author has saved since is undone on purpose; what they never saved is put together with it.
        if (draft) write.bring(saved ? { ...draft, base: undefined } : draft);
      });
      line.append(words, button);
      return line;
    });
    earlier.querySelector("ul").replaceChildren(...lines);
  }

  earlier.addEventListener("toggle", list);
  addEventListener("online", send);
  return { later, ask, offer, settled: () => flight ?? Promise.resolve() };
}
