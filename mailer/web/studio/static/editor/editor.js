// The text editor of the studio.
//
//   import { mount } from ".../editor/editor.js";
//   const editor = mount(textarea, options);
//
// The page needs the import map (mailer/web/studio/vendored.py), editor.css, and a CSP that allows
// `script-src 'self' 'nonce-…'; style-src 'self' 'nonce-…'; img-src 'self' blob:`. Without script the textarea is the
// editor. With it the textarea is hidden and its value follows the text, but a textarea turns CR LF into LF: to save,
// take `editor.text`, which is exact, and send it as JSON.
//
// Options, each of which may be missing:
//   text          the exact text (from JSON: HTML loses CR and NUL); else the textarea's
//   tags          merge tags: [{tag: "supporter.first_name", words: "first name", known: 41906, of: 48212,
//                 fallback: "friend", example: "Ada"}]
//   conditions    what is known of some: [{expression, words: "people in the United Kingdom", count: 41906, of: 48212}]
//   actionLabel   words on the button where none are written
//   pictures      addresses of the pictures by their names; for others `pictureBase` is put before the name
//   diagnostics   findings: [{line, level: "error" | "warning" | "note", message, words?, fix?: {label}}]; lines from 1,
//                 `words` is what to underline in that line
//   onFix         (finding) => void, for the button of a finding
//   pages         pages of ours that a link may lead to: [{label, address}]
//   signPage      one line about the sign page, for the link's dialog; "" where no link can lead there
//   only          names of the tools there are (tools.js); all, where it is missing
//   uploadPicture (file) => Promise of {source, address}: the name to write, and where it is seen; an Error says why not
//   onProblem     (words) => void, for what somebody pressed and couldn't be done
//   brand         the organisation's colour, as in "#1d4f91"
//   buildCondition (expression or "") => Promise of an expression, or of null for "leave it"
//   nonce         the page's CSP nonce
//   language      of the text, such as "en-GB": spell check and names of countries
//   labels        words in place of those in labels.js: {text: "Text of the mail", …}
//   onChange      (text) => void, `pause` milliseconds (150) after the last keystroke
//   onSave        (text) => void, for Ctrl S
//
// What mount returns:
//   text          the whole text, exact
//   setFindings([…]) puts others in place of `diagnostics`
//   setText(text) puts another text in its place, as after a merge: the cursor stays where it was, and it can be undone
//   view          CodeMirror's EditorView
//   run(tool)     does what the tool's button does: a name in tools.js
//   focus(), destroy()
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, placeholder } from "@codemirror/view";

import { nextItem } from "./commands.js";
import { language } from "./grammar.js";
import { el } from "./icons.js";
import { LABELS } from "./labels.js";
import { config, findingsIn, live, setFindings } from "./live.js";
import { nextFinding } from "./findings.js";
import { menu } from "./menu.js";
import { paste } from "./paste.js";
import { toolbar } from "./toolbar.js";
import { TOOLS } from "./tools.js";
import { byteExact, difference, keepsLineEnds } from "./text.js";

export function mount(textarea, options = {}) {
  const save = () => {
    options.onSave?.(view.state.sliceDoc());
    return true;
  };
  const labels = { ...LABELS, ...options.labels };
  const tags = options.tags ?? [];
  const view = new EditorView({
    state: EditorState.create({
      doc: options.text ?? textarea.defaultValue,
      extensions: [
        byteExact,
        keepsLineEnds,
        history(),
        drawSelection(),
        EditorView.lineWrapping,
        EditorView.cspNonce.of(options.nonce ?? ""),
        language,
        config.of({ options, labels, tags }),
        menu,
        paste,
        live,
        placeholder(labels.placeholder),
        keymap.of([...keys(save), ...defaultKeymap, ...historyKeymap]),
        EditorView.contentAttributes.of(contentAttributes(textarea, options, labels)),
        changes(textarea, options),
      ],
    }),
  });
  textarea.hidden = true;
  const box = el("div", { class: "ed" }, toolbar(view, { options, labels }), view.dom);
  if (options.brand) box.style.setProperty("--brand", options.brand);
  textarea.after(box);
  return {
    view,
    get text() {
      return view.state.sliceDoc();
    },
    setFindings: (found) => view.dispatch({ effects: setFindings.of(found) }),
    setText: (text) => view.dispatch({ changes: difference(view.state.sliceDoc(), text) }),
    run: (tool) => TOOLS[tool].run(view),
    focus: () => view.focus(),
    destroy() {
      view.destroy();
      box.remove();
      textarea.hidden = false;
    },
  };
}

function keys(save) {
  const tools = Object.values(TOOLS).filter((tool) => tool.key);
  return [
    { key: "Mod-s", run: save, preventDefault: true },
    { key: "Enter", run: nextItem },
    { key: "F8", run: (view) => nextFinding(view, findingsIn(view.state)) },
    // Tab is never the editor's, and Escape leaves it for those whose reader keeps the keys.
    { key: "Escape", run: (view) => { view.contentDOM.blur(); return true; } },
    ...tools.map(({ key, run }) => ({ key, run: (view) => { run(view); return true; }, preventDefault: true })),
  ];
}

function contentAttributes(textarea, options, labels) {
  const attributes = { spellcheck: "true", autocapitalize: "sentences", autocorrect: "on" };
  const labelled = textarea.labels?.[0];
  if (labelled) {
    labelled.id ||= `${textarea.id}-label`;
    attributes["aria-labelledby"] = labelled.id;
  } else {
    attributes["aria-label"] = labels.text;
  }
  if (options.language) attributes.lang = options.language;
  return attributes;
}

function changes(textarea, options) {
  let waiting;
  return EditorView.updateListener.of((update) => {
    if (!update.docChanged) return;
    textarea.value = update.state.sliceDoc(); // at once: a save that is pressed now has the last key in it
    clearTimeout(waiting);
    waiting = setTimeout(() => options.onChange?.(textarea.value), options.pause ?? 150);
  });
}
