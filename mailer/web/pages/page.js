// Helps where it runs, and nothing needs it: the count renews, the link is copied, the phone's own ways to share open.
const find = (what) => document.querySelector(what), here = new URL(location);
if (here.searchParams.has("own")) { // so that nobody passes on the address of their own thanks
  here.searchParams.delete("own");
  history.replaceState(null, "", here);
}
const meter = find("[data-count]");
if (meter?.dataset.count) setInterval(async () => {
  if (document.hidden) return;
  const answer = await fetch(meter.dataset.count).catch(() => null);
  if (answer?.ok) meter.innerHTML = await answer.text();
}, 30000);
const link = find(".copy input"), copy = find("[data-copied]"), more = find("[data-text]");
if (link) {
  const keep = (words) => navigator.clipboard?.writeText(words), post = { text: more.dataset.text, url: link.value };
  link.addEventListener("focus", () => link.select());
  copy.addEventListener("click", async () => {
    link.select();
    await (keep(link.value) ?? document.execCommand("copy")); // the second over plain HTTP, where there is no clipboard
    copy.textContent = copy.dataset.copied;
  });
  more.addEventListener("click", () => navigator.share ? navigator.share(post).catch(() => {}) : copy.click());
  // Signal's app may open without the words, so they can be pasted.
  find("[data-share=signal]")?.addEventListener("click", () => keep(`${post.text} ${post.url}`));
}
