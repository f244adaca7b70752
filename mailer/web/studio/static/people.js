// People are found as one types; the address of the page follows, so that going back comes back to it.
const PAUSE = 150; // ms after the last key
const form = document.querySelector("[data-search]");

if (form) {
  let waiting = 0, asked = 0;
  const find = async () => {
    const mine = ++asked;
    const fields = [...new FormData(form)].filter(([, value]) => value);
    const address = `/people${fields.length ? `?${new URLSearchParams(fields)}` : ""}`;
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok || mine !== asked) return; // a later key has asked again
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== asked) return;
    document.querySelector('[data-part="found"]').replaceWith(document.importNode(page.querySelector('[data-part="found"]'), true));
    history.replaceState(null, "", address);
  };
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(find, PAUSE); });
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(waiting); find(); });
}
