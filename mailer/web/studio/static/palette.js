// Ctrl-K: what /find answers, chosen with the arrows. Without script the same address is a page.
export function startPalette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input"), list = dialog.querySelector("ul");
  let asked = 0, at = 0;

  const mark = (next) => {
    const rows = [...list.children];
    if (!rows.length) { input.removeAttribute("aria-activedescendant"); return; }
    at = (next + rows.length) % rows.length;
    rows.forEach((row, n) => row.setAttribute("aria-selected", n === at));
    rows[at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", rows[at].id);
  };

  const ask = async () => {
    const mine = ++asked;
    const answer = await fetch(`/find?q=${encodeURIComponent(input.value)}`, { headers: { Accept: "application/json" } });
    if (mine !== asked || !answer.ok) return;
    list.replaceChildren(...(await answer.json()).map((hit, n) => {
      const row = document.createElement("li"), name = document.createElement("b"), about = document.createElement("span");
      row.id = `hit-${n}`;
      row.setAttribute("role", "option");
      name.textContent = hit.label;
      about.textContent = hit.about;
      about.className = "q";
      row.append(name, about);
      row.addEventListener("click", () => { location.href = hit.path; });
      row.dataset.path = hit.path;
      return row;
    }));
    mark(0);
  };

  const open = (event) => { event.preventDefault(); input.value = ""; dialog.showModal(); input.focus(); ask(); };
  for (const link of document.querySelectorAll("[data-palette]")) link.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !event.defaultPrevented && !dialog.open) open(event);
  });
  input.addEventListener("input", ask);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); mark(at + 1); }
    if (event.key === "ArrowUp") { event.preventDefault(); mark(at - 1); }
    if (event.key === "Enter" && list.children[at]) { event.preventDefault(); location.href = list.children[at].dataset.path; }
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}
