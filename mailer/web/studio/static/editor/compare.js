// Two versions of a text beside each other, for when they can't be put together. Load it only then:
//
//   const { compare } = await import("./compare.js");
//   const both = await compare(parent, { ours, theirs, labels: { ours: "Yours", theirs: "Amina's, 14:02" }, nonce });
//   both.text       the text on our side, with what was taken over from theirs
//   both.destroy()
//
// Theirs is only read; on ours people type, and each difference has a button that takes theirs.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";

import { byteExact } from "./text.js";

export function compare(parent, { ours, theirs, labels, nonce = "" }) {
  const side = (doc, label, more) => ({
    doc,
    extensions: [
      byteExact, EditorView.lineWrapping, EditorView.cspNonce.of(nonce),
      EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "true" }), ...more,
    ],
  });
  const view = new MergeView({
    parent,
    a: side(theirs, labels.theirs, [EditorState.readOnly.of(true)]),
    b: side(ours, labels.ours, [history(), keymap.of([...defaultKeymap, ...historyKeymap])]),
    revertControls: "a-to-b",
    renderRevertControl() {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "→";
      button.setAttribute("aria-label", labels.take ?? "Take theirs");
      return button;
    },
    collapseUnchanged: { margin: 3, minSize: 6 },
    gutter: false,
  });
  return {
    view,
    get text() {
      return view.b.state.sliceDoc();
    },
    destroy: () => view.destroy(),
  };
}
