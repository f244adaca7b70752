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
//   nonce         the page's CSP nonce
//   language      of the text, such as "en-GB": spell check and names of countries
//   labels        words in place of those in labels.js: {text: "Text of the mail", …}
//   onChange      (text) => void, `pause` milliseconds (150) after the last keystroke
//   onSave        (text) => void, for Ctrl S
//
// What mount returns:
//   text          the whole text, exact
//   setText(text) puts another text in its place, as after a merge: the cursor stays where it was, and it can be undone
//   view          CodeMirror's EditorView
//   focus(), destroy()
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap } from "@codemirror/view";

import { language } from "./grammar.js";
import { byteExact, difference, keepsLineEnds } from "./text.js";

export function mount(textarea, options = {}) {
  const save = () => {
    options.onSave?.(view.state.sliceDoc());
    return true;
  };
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
        keymap.of([{ key: "Mod-s", run: save, preventDefault: true }, ...defaultKeymap, ...historyKeymap]),
        EditorView.contentAttributes.of(contentAttributes(textarea, options)),
        changes(textarea, options),
      ],
    }),
  });
  textarea.hidden = true;
  textarea.after(view.dom);
  return {
    view,
    get text() {
      return view.state.sliceDoc();
    },
    setText: (text) => view.dispatch({ changes: difference(view.state.sliceDoc(), text) }),
    focus: () => view.focus(),
    destroy() {
      view.destroy();
      textarea.hidden = false;
    },
  };
}

function contentAttributes(textarea, options) {
  const attributes = { spellcheck: "true", autocapitalize: "sentences", autocorrect: "on" };
  const labelled = textarea.labels?.[0];
  if (labelled) {
    labelled.id ||= `${textarea.id}-label`;
    attributes["aria-labelledby"] = labelled.id;
  } else {
    attributes["aria-label"] = options.labels?.text ?? "Text of the mail";
  }
  if (options.language) attributes.lang = options.language;
  return attributes;
}

function changes(textarea, options) {
  let waiting;
  return EditorView.updateListener.of((update) => {
    if (!update.docChanged) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const text = update.view.state.sliceDoc();
      textarea.value = text;
      options.onChange?.(text);
    }, options.pause ?? 150);
  });
}
