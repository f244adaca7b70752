const AGAIN = 2000; // ms

// Hears of what moves. `watch(address, seen, told)` calls `told(mark)` for each new mark, and says when the line is lost.
// A browser keeps few connections to one place, so hidden pages give theirs back. It asks again by itself when a line breaks,
// but not when a proxy answers 502 while the studio starts again: then we ask.
export function watch(address, seen, told, lost = () => {}) {
  let source = null, last = seen, again = 0;
  const stop = () => { clearTimeout(again); source?.close(); };
  const start = () => {
    stop();
    source = new EventSource(`${address}${address.includes("?") ? "&" : "?"}seen=${encodeURIComponent(last)}`);
    source.onopen = () => lost(false);
    source.onerror = () => {
      lost(true);
      if (source.readyState === EventSource.CLOSED) again = setTimeout(start, AGAIN);
    };
    source.onmessage = (event) => { last = event.data; told(event.data); };
  };
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else start(); });
  start();
  return { close: stop };
}

const isFilledIn = (field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked;

// Exchanges each [data-part] of the page for the one of that name in a newer page, unless somebody is typing in it, or has
// typed or ticked something. What was folded out stays so, by its id.
export async function renew(address = location.href) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) return false;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of next.querySelectorAll("[data-part]")) {
    const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!old) continue;
    for (const open of old.querySelectorAll("details[id][open]")) part.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
    if (old.outerHTML === part.outerHTML) continue;
    const typing = document.activeElement;
    if (old.contains(typing) && typing.matches("input, textarea, select")) continue;
    if ([...old.querySelectorAll("input, textarea")].some(isFilledIn)) continue;
    const focused = old.contains(typing) && typing.id;
    old.replaceWith(document.importNode(part, true));
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
  return true;
}
