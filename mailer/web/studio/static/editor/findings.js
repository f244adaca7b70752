// What the check found, in its place: a wavy line below the words, and under the paragraph one line with the fix.
import { el, icon } from "./icons.js";
import { pressable, Shown } from "./widgets.js";

const LEVELS = { error: "error", warning: "warning", note: "note" };

export function findingsOf(heap, findings) {
  for (const finding of findings) {
    if (!(finding.line >= 1 && finding.line <= heap.doc.lines)) continue;
    const line = heap.doc.line(finding.line);
    const level = LEVELS[finding.level] ?? "note";
    const at = finding.words ? line.text.indexOf(finding.words) : -1;
    const [from, to] = at < 0 ? [line.from, line.to] : [line.from + at, line.from + at + finding.words.length];
    heap.mark(from, to, `ed-wavy ed-wavy-${level}`);
    heap.widget(endOfParagraph(heap, line), strip(heap, finding, level), 1, true);
  }
}

function endOfParagraph(heap, line) {
  for (let node = heap.tree.resolveInner(line.to, -1); node; node = node.parent) {
    if (node.name === "Paragraph") return heap.doc.lineAt(node.to).to;
  }
  for (const block of heap.outline.blocks) {
    if (block.from <= line.number && line.number <= block.to) return heap.doc.line(block.to).to;
  }
  return line.to;
}

function strip({ options }, finding, level) {
  const fix = finding.fix;
  return new Shown(`finding ${level} ${finding.line} ${finding.message} ${fix?.label}`, (view) =>
    el("div", { class: `ed-finding ed-finding-${level}`, role: "note" }, icon(level === "error" ? "alert" : "warn"),
      el("span", {}, finding.message),
      fix ? pressable(view, { label: fix.label, className: "ed-fix", press: () => options.onFix?.(finding) }) : null), { block: true });
}

/** The place of the next finding behind the cursor, from the first again after the last. */
export function nextFinding(view, findings) {
  const here = view.state.doc.lineAt(view.state.selection.main.head).number;
  const lines = findings.map((finding) => finding.line).sort((a, b) => a - b);
  const line = lines.find((one) => one > here) ?? lines[0];
  if (!line || line > view.state.doc.lines) return false;
  view.dispatch({ selection: { anchor: view.state.doc.line(line).from }, scrollIntoView: true });
  view.focus();
  return true;
}
