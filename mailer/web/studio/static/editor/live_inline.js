// Marks of Markdown: hidden away from the cursor's block, faint in it; tags as pills; wrapped lines as one paragraph.
import { picture, pill, space, words } from "./widgets.js";
import { conditionWords, tagWords } from "./words.js";

// What follows the words of a link. An address may hold tags with blanks, which CommonMark alone wouldn't take.
const TARGET = /^\(\s*(<[^>\n]*>|(?:\{\{.*?\}\}|\([^()\s]*\)|[^\s()])*)(?:\s+(?:"([^"]*)"|'[^']*'))?\s*\)/;

export function showInline(heap) {
  const notes = new Map();
  const numberOf = (label) => notes.get(label) ?? notes.set(label, notes.size + 1).get(label);
  heap.tree.iterate({ enter: (node) => SHOW[/^[A-Za-z]+/.exec(node.name)[0]]?.(heap, node, numberOf) });
}

const text = (heap, node) => heap.state.sliceDoc(node.from, node.to);

function mark(heap, from, to) {
  if (heap.touches(from, to)) heap.mark(from, to, "ed-mark");
  else heap.hide(from, to);
}

const SHOW = {
  ATXHeading(heap, node) {
    heap.line(heap.doc.lineAt(node.from).from, `ed-h ed-h${node.name.slice(-1)}`);
  },
  HeaderMark(heap, node) {
    const blank = heap.state.sliceDoc(node.to, node.to + 1) === " ";
    if (node.node.parent.name.startsWith("ATX")) mark(heap, node.from, node.to + (blank ? 1 : 0));
  },
  StrongEmphasis: (heap, node) => heap.mark(node.from, node.to, "ed-strong"),
  Emphasis: (heap, node) => heap.mark(node.from, node.to, "ed-em"),
  EmphasisMark: (heap, node) => mark(heap, node.from, node.to),
  Escape: (heap, node) => mark(heap, node.from, node.from + 1),
  HardBreak(heap, node) {
    if (text(heap, node).startsWith("\\")) mark(heap, node.from, node.from + 1);
  },
  QuoteMark(heap, node) {
    const line = heap.doc.lineAt(node.from);
    heap.line(line.from, "ed-quoted");
    mark(heap, node.from, node.to + (heap.state.sliceDoc(node.to, node.to + 1) === " " ? 1 : 0));
  },
  ListMark(heap, node) {
    const line = heap.doc.lineAt(node.from);
    heap.line(line.from, "ed-item");
    const bullet = /[-*+]/.test(text(heap, node));
    if (bullet && !heap.touches(line.from, line.to)) heap.replace(node.from, node.to, words("•", "ed-bullet"));
  },
  Link(heap, node) {
    const [open, close] = node.node.getChildren("LinkMark");
    if (!open || !close) return;
    const target = TARGET.exec(heap.state.sliceDoc(close.to, Math.min(heap.doc.length, close.to + 2000)));
    if (!target) return;
    heap.mark(open.to, close.from, "ed-link", { title: target[1] });
    mark(heap, open.from, open.to);
    mark(heap, close.from, close.to + target[0].length);
  },
  Image(heap, node) {
    const parent = node.node.parent;
    const found = /^!\[([^]*?)\]\(\s*(\S+?)(?:\s+"([^"]*)")?\s*\)$/.exec(text(heap, node));
    const alone = parent?.name === "Paragraph" && heap.state.sliceDoc(parent.from, node.from).trim() === "";
    const line = heap.doc.lineAt(node.from);
    if (!found || !alone || heap.cursorOn(line) || heap.doc.lineAt(node.to).number !== line.number) return undefined;
    const [, alt, source, caption] = found;
    const address = heap.options.pictures?.[source] ?? (/^https?:/.test(source) ? source : (heap.options.pictureBase ?? "") + source);
    heap.replace(node.from, node.to, picture({ address, alt, source, caption, from: node.from, labels: heap.labels }));
    return false;
  },
  MergeTag(heap, node) {
    if (heap.cursorIn(node.from, node.to)) heap.mark(node.from, node.to, "ed-mark");
    else heap.replace(node.from, node.to, pill(tagWords(text(heap, node).slice(2, -2), heap)));
    return false;
  },
  Control(heap, node) {
    const [, word, expression] = /^\{%-?\s*(\w+)\s*([^]*?)\s*-?%\}$/.exec(text(heap, node)) ?? [];
    const says = { if: "onlyFor", elif: "orOnlyFor" }[word];
    if (heap.cursorIn(node.from, node.to) || !/^(if|elif|else|endif)$/.test(word)) heap.mark(node.from, node.to, "ed-mark");
    else if (says) heap.replace(node.from, node.to, words(`${heap.labels[says](conditionWords(expression, heap.options).words)}:`, "ed-if"));
    else heap.replace(node.from, node.to, words(word === "else" ? `${heap.labels.everybodyElse}:` : "◂", "ed-if"));
    return false;
  },
  NoteMention(heap, node, numberOf) {
    const number = numberOf(text(heap, node));
    if (!heap.cursorIn(node.from, node.to)) heap.replace(node.from, node.to, words(`${number}`, "ed-note"));
  },
  Note: (heap, node) => heap.line(heap.doc.lineAt(node.from).from, "ed-notes"),
  NoteMark(heap, node, numberOf) {
    const number = numberOf(text(heap, node).slice(0, -1));
    if (!heap.touches(node.from, node.to)) heap.replace(node.from, node.to, words(`${number}`, "ed-note"));
  },
  Paragraph(heap, node) {
    // A line's end in a paragraph is a blank to readers, whatever comes before the words of the next line.
    let line = heap.doc.lineAt(node.from);
    while (line.to < node.to) {
      const next = heap.doc.line(line.number + 1);
      const indent = /^[ \t]*(?:>[ \t]?)*[ \t]*/.exec(next.text)[0].length;
      const hard = /(?: {2}|\\)\r?$/.test(line.text);
      const end = line.text.endsWith("\r") ? line.to - 1 : line.to;
      if (!hard) {
        heap.taken = heap.taken.filter(([from]) => from !== end || end === line.to);
        heap.found = heap.found.filter((one) => !(end < line.to && one.from === end && one.to === line.to));
        heap.replace(end, next.from + indent, space);
      }
      line = next;
    }
  },
};
