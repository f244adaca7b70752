// The / menu: what can be put in here, filtered by what is typed behind the slash. The cursor stays in the text, which
// names the chosen line to screen readers (aria-activedescendant).
import { StateEffect, StateField } from "@codemirror/state";
import { EditorView, keymap, ViewPlugin } from "@codemirror/view";

import { el, icon } from "./icons.js";
import { config } from "./live.js";
import { usable, wordsOf } from "./tools.js";

const open = StateEffect.define(); // from where the slash is, or null
const choose = StateEffect.define();

const state = StateField.define({
  create: () => null,
  update(value, change) {
    let now = value && { ...value, from: change.changes.mapPos(value.from, -1) };
    for (const effect of change.effects) {
      if (effect.is(open)) now = effect.value;
      if (effect.is(choose) && now) now = { ...now, at: effect.value };
    }
    if (!now) return null;
    const head = change.state.selection.main.head;
    const line = change.state.doc.lineAt(head);
    const typed = change.state.sliceDoc(now.from, head);
    const left = head < now.from || line.from > now.from || (now.slash && !typed.startsWith("/"));
    return left || /\s\s|^\/\s/.test(typed) ? null : { ...now, filter: typed.replace(/^\//, ""), at: change.docChanged ? 0 : now.at };
  },
});

function items(editor) {
  const { options, labels } = editor.facet(config);
  const filter = (editor.field(state)?.filter ?? "").toLowerCase();
  return usable(options).filter(([name, tool]) => tool.group && wordsOf(name, labels).join(" ").toLowerCase().includes(filter))
    .sort(([, a], [, b]) => Object.keys(labels.groups).indexOf(a.group) - Object.keys(labels.groups).indexOf(b.group));
}

/** Opens the menu at the cursor, as the button for more does. */
export function openMenu(view) {
  view.focus();
  view.dispatch({ effects: open.of({ from: view.state.selection.main.head, slash: false, at: 0 }) });
  return true;
}

function run(view, [, tool]) {
  const { from } = view.state.field(state);
  view.dispatch({ changes: { from, to: view.state.selection.main.head }, effects: open.of(null) });
  tool.run(view);
  return true;
}

const within = (does) => (view) => {
  const shown = view.state.field(state);
  const list = shown ? items(view.state) : [];
  return shown ? does(view, shown, list) : false;
};
const step = (by) => within((view, shown, list) => {
  if (list.length) view.dispatch({ effects: choose.of((shown.at + by + list.length) % list.length) });
  return true;
});

const keys = keymap.of([
  { key: "ArrowDown", run: step(1) },
  { key: "ArrowUp", run: step(-1) },
  { key: "Enter", run: within((view, shown, list) => (list.length ? run(view, list[shown.at]) : false)) },
  { key: "Tab", run: within((view, shown, list) => (list.length ? run(view, list[shown.at]) : false)) },
  { key: "Escape", run: within((view) => { view.dispatch({ effects: open.of(null) }); return true; }) },
]);

const opens = EditorView.inputHandler.of((view, from, to, text) => {
  if (text !== "/" || from !== to || /\S/.test(view.state.doc.lineAt(from).text.slice(0, from - view.state.doc.lineAt(from).from))) return false;
  view.dispatch({
    changes: { from, insert: "/" }, selection: { anchor: from + 1 }, userEvent: "input.type",
    effects: open.of({ from, slash: true, at: 0 }),
  });
  return true;
});

const drawn = ViewPlugin.fromClass(class {
  constructor(view) {
    this.view = view;
  }
  update(update) {
    const shown = update.state.field(state);
    if (shown === update.startState.field(state)) return;
    this.box?.remove();
    this.box = null;
    if (shown) this.draw(shown);
    else this.view.contentDOM.removeAttribute("aria-activedescendant");
  }
  draw(shown) {
    const { labels } = this.view.state.facet(config);
    const list = items(this.view.state);
    let group = null;
    const lines = list.flatMap(([name, tool], at) => {
      const [title, use] = wordsOf(name, labels);
      const head = tool.group === group ? [] : [el("div", { role: "presentation" }, labels.groups[tool.group])];
      group = tool.group;
      return [...head, el("div", {
        role: "option", id: `ed-option-${name}`, "aria-selected": `${at === shown.at}`,
        onmousedown: (event) => event.preventDefault(), onclick: () => run(this.view, list[at]),
      }, icon(tool.icon), el("span", {}, title, use ? el("small", {}, use) : null),
      tool.key ? el("kbd", {}, tool.key.replace("Mod-", "Ctrl ").replace("Enter", "⏎")) : null)];
    });
    if (!lines.length) lines.push(el("div", { role: "presentation" }, labels.nothingFound));
    const menu = el("div", { class: "ed-menu", role: "listbox", tabindex: "0", "aria-label": labels.insert }, ...lines);
    this.box = menu;
    this.view.dom.parentNode.append(menu);
    this.view.requestMeasure({
      read: (view) => [view.coordsAtPos(shown.from), view.dom.parentNode.getBoundingClientRect(), menu.offsetHeight, menu.offsetWidth],
      write: ([at, host, height, width]) => {
        if (!at) return;
        const above = at.bottom + height > innerHeight && at.top > height;
        menu.style.top = `${(above ? at.top - height - 4 : at.bottom + 4) - host.top}px`;
        menu.style.left = `${Math.max(0, Math.min(at.left - host.left, host.width - width))}px`;
        menu.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
      },
    });
    const chosen = list[shown.at];
    if (chosen) this.view.contentDOM.setAttribute("aria-activedescendant", `ed-option-${chosen[0]}`);
  }
  destroy() {
    this.box?.remove();
  }
});

export const menu = [state, opens, keys, drawn];
