// The toolbar: one stop of Tab, arrows within (https://www.w3.org/WAI/ARIA/apg/patterns/toolbar/).
import { el, icon } from "./icons.js";
import { openMenu } from "./menu.js";
import { usable, wordsOf } from "./tools.js";

const BARE = ["bold", "heading", "list", "undo"]; // icons without a word beside them
const SHOWN = ["bold", "heading", "list", "link", "ask", "tag", "picture", "condition"];

export function toolbar(view, { options, labels }) {
  const tools = new Map(usable(options));
  const button = (name, label, press, bare) => el("button", {
    type: "button", "data-tool": name, tabindex: "-1", "aria-label": bare ? label : null, title: bare ? label : null,
    onmousedown: (event) => event.preventDefault(), onclick: press,
  }, icon(name === "more" ? "plus" : tools.get(name).icon), bare ? null : label);
  const made = SHOWN.filter((name) => tools.has(name)).map((name) =>
    button(name, wordsOf(name, labels)[0], () => tools.get(name).run(view), BARE.includes(name)));
  made.push(button("more", labels.more, () => openMenu(view), false));
  made.push(button("undo", wordsOf("undo", labels)[0], () => tools.get("undo").run(view), true));
  made[0].tabIndex = 0;
  const bar = el("div", { class: "ed-tools", role: "toolbar", "aria-label": labels.tools }, ...made);
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = made.indexOf(document.activeElement);
    const next = event.key === "Home" ? 0 : event.key === "End" ? made.length - 1 : step && (at + step + made.length) % made.length;
    if (next === undefined) return;
    event.preventDefault();
    made.forEach((one, index) => { one.tabIndex = index === next ? 0 : -1; });
    made[next].focus();
  });
  return bar;
}
