// A text on one line, such as the subject: merge tags are pills, which are pressed to be changed and go as a whole. The
// hidden text area keeps the source, and tells of each change by an input event.
//
//   const line = mountLine(textarea, { tags, labels, nonce });
//   line.putName()   asks for a name and puts it in
//   line.view        CodeMirror's EditorView
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { Decoration, EditorView, keymap, MatchDecorator, placeholder, ViewPlugin } from "@codemirror/view";

import { askTag } from "./dialogs.js";
import { LABELS } from "./labels.js";
import { byteExact } from "./text.js";
import { pill, Shown } from "./widgets.js";
import { conditionWords, tagWords } from "./words.js";
import { el } from "./icons.js";

const TAG = /\{\{.*?\}\}|\{%.*?%\}/g;

export function mountLine(textarea, options) {
  const labels = { ...LABELS, ...options.labels }, tags = options.tags ?? [];
  const known = { ...options, tags, labels };
  const pills = pillsOf(known, (view, from, to) => change(view, from, to));
  const view = new EditorView({
    state: EditorState.create({
      doc: textarea.value,
      extensions: [
        byteExact, history(), EditorView.lineWrapping, EditorView.cspNonce.of(options.nonce ?? ""), pills,
        EditorState.transactionFilter.of((made) => (made.newDoc.lines > 1 ? [] : made)),
        EditorView.clipboardInputFilter.of((text) => text.replace(/\s*\n\s*/g, " ").trim()),
        placeholder(textarea.placeholder),
        keymap.of([
          { key: "Enter", run: () => true },
          { key: "Mod-.", run: () => { putName(); return true; }, preventDefault: true },
          { key: "Escape", run: (one) => { one.contentDOM.blur(); return true; } },
          ...defaultKeymap, ...historyKeymap,
        ]),
        EditorView.contentAttributes.of({
          id: textarea.id, "aria-labelledby": `l-${textarea.dataset.key}`, "aria-multiline": "false", spellcheck: "true",
          ...(textarea.lang ? { lang: textarea.lang } : {}),
        }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          const text = update.state.sliceDoc();
          if (text === textarea.value) return; // brought from a draft
          textarea.value = text;
          textarea.dispatchEvent(new Event("input", { bubbles: true }));
        }),
      ],
    }),
  });

  async function putName() {
    const source = await askTag(document.body, { tags, labels });
    if (source) view.dispatch({ ...view.state.replaceSelection(source), userEvent: "input" });
    view.focus();
  }

  async function change(view_, from, to) {
    const { name, fallback } = tagWords(view_.state.sliceDoc(from + 2, to - 2), known);
    if (!tags.some((tag) => tag.tag === name)) return;
    const source = await askTag(document.body, { tags, labels, now: { name, fallback: fallback ?? "" } });
    if (source) view.dispatch({ changes: { from, to, insert: source }, userEvent: "input" });
    view.focus();
  }

  textarea.id += "-source";
  textarea.hidden = true;
  textarea.addEventListener("bring", () => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: textarea.value } }));
  textarea.after(el("div", { class: `${textarea.className} line` }, view.dom));
  return { view, putName, focus: () => view.focus() };
}

function pillsOf(known, press) {
  const matcher = new MatchDecorator({
    regexp: TAG,
    decoration: (found, view, at) => Decoration.replace({ widget: widgetOf(found[0], at, known, press) }),
  });
  return ViewPlugin.fromClass(class {
    constructor(view) {
      this.shown = matcher.createDeco(view);
    }
    update(update) {
      if (update.docChanged || update.viewportChanged) this.shown = matcher.createDeco(update.view);
    }
  }, {
    decorations: (plugin) => plugin.shown,
    provide: (plugin) => EditorView.atomicRanges.of((view) => view.plugin(plugin)?.shown ?? Decoration.none),
  });
}

function widgetOf(source, at, known, press) {
  if (source.startsWith("{%")) {
    const [, word, expression] = /^\{%-?\s*(\w+)\s*(.*?)\s*-?%\}$/.exec(source) ?? [];
    const says = { if: known.labels.onlyFor, elif: known.labels.orOnlyFor }[word];
    const words = says ? `${says(conditionWords(expression, known).words)}:` : word === "else" ? `${known.labels.everybodyElse}:` : "◂";
    return new Shown(`line ${at} ${source}`, () => el("span", { class: "ed-if" }, words));
  }
  const shown = pill(tagWords(source.slice(2, -2), known));
  return new Shown(`line ${at} ${source}`, (view) => {
    const made = shown.make(view);
    made.addEventListener("mousedown", (event) => { event.preventDefault(); press(view, at, at + source.length); });
    return made;
  });
}
