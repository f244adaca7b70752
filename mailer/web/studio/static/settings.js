// What the pages of Settings do beside their forms: copy what belongs elsewhere, and choose colours. They work without it.
const SAID = 1600; // ms that a button says what it did

for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.classList.add("did");
  const words = button.querySelector("span"), before = words?.textContent;
  if (words) words.textContent = "Copied";
  setTimeout(() => { button.classList.remove("did"); if (words) words.textContent = before; }, SAID);
});

const watched = document.querySelector("[data-watch]");
if (watched) {
  const { watch, renew } = await import("./live.js");
  watch(watched.dataset.watch, watched.dataset.mark, async () => {
    await renew();
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  });
}
