// The text as it will look: made from the source again after each change of the text, of its syntax tree (which grows
// while the editor is idle), of the cursor's block and of the findings. Decorations only: the text is never touched.
import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";
import { Facet, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView } from "@codemirror/view";

import { findingsOf } from "./findings.js";
import { showBlocks } from "./live_blocks.js";
import { showInline } from "./live_inline.js";
import { outline } from "./outline.js";

/** {options, labels} of the editor. */
export const config = Facet.define({ combine: (given) => given[0] });
/** Findings of the check, as in `options.diagnostics`. */
export const setFindings = StateEffect.define();
const setFocus = StateEffect.define();
const LONGEST = 200_000; // characters; beyond them the source is shown, which is quick at any length

const focused = StateField.define({
  create: () => false,
  update: (value, change) => change.effects.reduce((was, effect) => (effect.is(setFocus) ? effect.value : was), value),
});

const findings = StateField.define({
  create: (state) => state.facet(config).options.diagnostics ?? [],
  update: (value, change) => change.effects.reduce((was, effect) => (effect.is(setFindings) ? effect.value : was), value),
});

/** Puts decorations on a heap; places that one replaced are left alone by the others. */
export class Heap {
  constructor(state, tree) {
    Object.assign(this, { state, tree, doc: state.doc, ...state.facet(config), found: [], taken: [] });
    this.outline = outline(state.doc);
    this.active = activeRange(state, tree, this.outline);
  }
  touches(from, to) {
    return this.active !== null && this.active.from <= to && from <= this.active.to;
  }
  cursorIn(from, to) {
    return this.active !== null && this.state.selection.ranges.some((range) => range.from < to && from < range.to
      || (range.empty && from < range.head && range.head < to));
  }
  cursorOn(line) {
    return this.active !== null && this.state.selection.ranges.some((range) => range.from <= line.to && line.from <= range.to);
  }
  mark(from, to, className, attributes) {
    if (from < to) this.found.push(Decoration.mark({ class: className, attributes }).range(from, to));
  }
  line(at, className) {
    this.found.push(Decoration.line({ class: className }).range(at));
  }
  replace(from, to, widget, block = false) {
    if (from > to || this.isTaken(from, to) || (from === to && !block)) return;
    this.taken.push([from, to]);
    this.found.push(Decoration.replace({ widget, block }).range(from, to));
  }
  hide(from, to) {
    this.replace(from, to);
  }
  widget(at, widget, side, block = false) {
    this.found.push(Decoration.widget({ widget, side, block }).range(at));
  }
  isTaken(from, to) {
    return this.taken.some(([a, b]) => a < to && from < b);
  }
}

// Where the source is shown: the ::: block of the cursor, else its paragraph, heading or line.
function activeRange(state, tree, { blocks }) {
  if (!state.field(focused)) return null;
  const { from, to } = state.selection.main;
  const first = state.doc.lineAt(from);
  const last = state.doc.lineAt(to);
  const range = { from: first.from, to: last.to };
  for (const block of blocks) {
    const [start, end] = [state.doc.line(block.from).from, state.doc.line(block.to).to];
    if (start <= to && from <= end) Object.assign(range, { from: Math.min(range.from, start), to: Math.max(range.to, end) });
  }
  for (const at of [from, to]) {
    for (let node = tree.resolveInner(at, at === to ? -1 : 1); node; node = node.parent) {
      if (/^(Paragraph|Note|SetextHeading\d|FencedCode)$/.test(node.name)) {
        Object.assign(range, { from: Math.min(range.from, node.from), to: Math.max(range.to, node.to) });
      }
    }
  }
  return range;
}

// Notes of those who write in the file, which are not mailed: as they are written, and quiet.
function showAsides(heap) {
  for (const { 0: whole, index: from } of heap.doc.toString().matchAll(/^\{#[^]*?#\}/gm)) {
    const to = from + whole.length;
    heap.found = heap.found.filter((one) => one.to < from || one.from > to);
    for (let at = from; at <= to; at = heap.doc.lineAt(at).to + 1) heap.line(heap.doc.lineAt(at).from, "ed-aside");
  }
}

function build(state) {
  if (state.doc.length > LONGEST) return Decoration.none;
  const heap = new Heap(state, ensureSyntaxTree(state, state.doc.length, 25) ?? syntaxTree(state));
  showBlocks(heap);
  showInline(heap);
  showAsides(heap);
  findingsOf(heap, state.field(findings));
  return Decoration.set(heap.found, true);
}

const shown = StateField.define({
  create: build,
  update(value, change) {
    const again = change.docChanged || change.selection || change.effects.some((e) => e.is(setFocus) || e.is(setFindings))
      || syntaxTree(change.startState) !== syntaxTree(change.state);
    return again ? build(change.state) : value;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export const live = [
  focused,
  findings,
  shown,
  EditorView.focusChangeEffect.of((_, focusing) => setFocus.of(focusing)),
];

/** The findings shown now. */
export const findingsIn = (state) => state.field(findings);
