// The form of a list as it is being typed, shown as people would see it; and its code, copied in one press.
const room = document.querySelector(".list-settings"), form = document.getElementById("list"), frame = document.getElementById("picture");
let waiting = 0;

function show() {
  const typed = new URLSearchParams();
  for (const field of form.querySelectorAll("[data-shown]")) if (!["own_colour", "colour"].includes(field.name)) typed.set(field.name, field.value);
  typed.set("language", form.elements.language.value);
  typed.set("colour", form.elements.own_colour.checked ? form.elements.colour.value : "");
  frame.contentWindow.location.replace(`${room.dataset.picture}?${typed}`);
}

form.addEventListener("input", ({ target }) => {
  if (target.name === "colour") form.elements.own_colour.checked = true;
  clearTimeout(waiting);
  waiting = setTimeout(show, 300);
});
if (room.dataset.picture.includes("/-/")) show();
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = document.getElementById(button.dataset.copy);
    code.select();
    await navigator.clipboard?.writeText(code.value).catch(() => {});
    button.lastChild.textContent = "Copied";
  });
}
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); form.requestSubmit(); }
});
