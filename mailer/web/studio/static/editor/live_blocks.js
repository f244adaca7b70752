// Blocks as cards and conditions as bands. A block shows its ::: lines when the cursor is in it, a condition its tag when
// the cursor is on that line.
import { words as shownWords, bandHead, numbers } from "./widgets.js";
import { conditionWords } from "./words.js";

const HEADED = { progress: "progress", share: "share", ps: "ps" };

export function showBlocks(heap) {
  for (const condition of heap.outline.conditions) band(heap, condition);
  for (const block of heap.outline.blocks) card(heap, block);
  let empty = true;
  for (let number = 1; number <= heap.doc.lines; number += 1) {
    const line = heap.doc.line(number);
    const blank = /^[ \t\r]*$/.test(line.text);
    if (blank && (!empty || number === 1) && number < heap.doc.lines) heap.line(line.from, "ed-gap");
    if (line.text.endsWith("\r")) heap.hide(line.to - 1, line.to);
    empty = blank;
  }
}

function card(heap, { kind, tail, from, to }) {
  const first = heap.doc.line(from);
  const last = heap.doc.line(to);
  const active = heap.touches(first.from, last.to);
  if (kind === "numbers" && !active) {
    const items = figures(heap.doc, from, to);
    if (items.length) return heap.replace(first.from, last.to, numbers(items, heap.doc.line(from + 1).from), true);
  }
  // The card's edges are those of its lines in sight.
  const top = active || HEADED[kind] || kind === "ask" ? from : from + 1;
  const bottom = active || kind === "ask" ? to : to - 1;
  for (let number = from; number <= to; number += 1) {
    const place = (number === top ? " ed-first" : "") + (number === bottom ? " ed-last" : "");
    const fence = number === from || number === to;
    const source = fence && active && !(kind === "ask" && number === from) ? " ed-source" : "";
    if (kind === "ask" && number !== from && !active) continue;
    heap.line(heap.doc.line(number).from, `ed-card ed-${kind}${place}${source}`);
  }
  const prefix = /^:::+[ \t]*[a-z]*[ \t]*/.exec(first.text)[0].length;
  if (kind === "ask") {
    if (active) heap.mark(first.from, first.from + prefix, "ed-mark");
    else heap.hide(first.from, first.from + prefix);
    if (!tail) heap.widget(first.from + prefix, shownWords(heap.options.actionLabel ?? heap.labels.signUp, "ed-ask-label"), 1);
  } else if (!active) {
    const head = HEADED[kind] && shownWords(heap.labels[kind], "ed-card-head");
    heap.replace(first.from, first.to, head, !head);
  }
  if (active || last.from === first.from) return undefined;
  const by = kind === "quote" && tail;
  return by ? heap.replace(last.from, last.to, shownWords(tail, "ed-by")) : heap.replace(last.from, last.to, null, true);
}

function figures(doc, from, to) {
  const found = [];
  for (let number = from + 1; number < to; number += 1) {
    const text = doc.line(number).text;
    const item = /^\s*[-*+]\s+\*\*(.+?)\*\*\s*(.*)$/.exec(text);
    if (item) found.push([item[1], item[2]]);
    else if (text.trim() && found.length) found.at(-1)[1] += ` ${text.trim()}`;
    else if (text.trim()) return [];
  }
  return found;
}

function band(heap, { branches, from, to }) {
  const { labels, options, doc } = heap;
  for (let number = from; number <= to; number += 1) {
    const place = (number === from ? " ed-first" : "") + (number === to ? " ed-last" : "");
    heap.line(doc.line(number).from, `ed-only${place}`);
  }
  for (const { word, expression, line: number } of branches) {
    const line = doc.line(number);
    heap.line(line.from, "ed-band");
    if (heap.cursorOn(line)) continue;
    const { words, count, of } = conditionWords(expression, options);
    const says = { if: labels.onlyFor(words), elif: labels.orOnlyFor(words), else: labels.everybodyElse }[word];
    heap.replace(line.from, line.to, bandHead({
      key: `${number}`, says, iconName: word === "else" ? null : "people",
      count: word !== "else" && count != null ? labels.people(count, of, options.language) : "",
      button: word !== "else" && options.buildCondition
        ? { label: labels.change, press: (view) => change(view, number, expression, options) } : null,
    }));
  }
  const end = doc.line(to);
  heap.line(end.from, "ed-band-foot");
  if (heap.cursorOn(end)) return;
  const handled = branches.at(-1).word === "else";
  heap.replace(end.from, end.to, bandHead({
    key: `end ${to}`, says: handled ? labels.elseEnd : labels.elseNothing, iconName: null,
    button: handled ? null : { label: labels.wordsForThem, iconName: "plus", press: (view) => addElse(view, to) },
  }));
}

async function change(view, number, expression, options) {
  const built = await options.buildCondition(expression);
  const line = view.state.doc.line(number);
  const at = line.text.indexOf(expression);
  if (!built || at < 0) return;
  view.dispatch({ changes: { from: line.from + at, to: line.from + at + expression.length, insert: built }, userEvent: "input" });
  view.focus();
}

function addElse(view, number) {
  const { from } = view.state.doc.line(number);
  view.dispatch({ changes: { from, insert: "{% else %}\n\n" }, selection: { anchor: from + 11 }, userEvent: "input" });
  view.focus();
}

