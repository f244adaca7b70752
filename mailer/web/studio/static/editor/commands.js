// What the tools do to the source. Each changes only the lines it says: its selection's, or lines of its own put in at the
// cursor with an empty line on each side.
import { undo } from "@codemirror/commands";

const done = (view, spec) => {
  view.dispatch({ ...spec, scrollIntoView: true, userEvent: "input" });
  view.focus();
  return true;
};

/** Puts `mark` on both sides of the chosen words, or takes it away where it is. Blanks at the ends stay outside. */
export function toggleMark(view, mark) {
  const { state } = view;
  let { from, to } = state.selection.main;
  if (from === to) ({ from, to } = state.wordAt(from) ?? { from, to });
  const chosen = state.sliceDoc(from, to);
  from += chosen.length - chosen.trimStart().length;
  to -= chosen.trim() ? chosen.length - chosen.trimEnd().length : 0;
  const length = mark.length;
  const around = state.sliceDoc(from - length, from) === mark && state.sliceDoc(to, to + length) === mark;
  const inside = state.sliceDoc(from, from + length) === mark && state.sliceDoc(to - length, to) === mark && to - from > 2 * length;
  if (around) return done(view, { changes: [{ from: from - length, to: from }, { from: to, to: to + length }] });
  if (inside) return done(view, { changes: [{ from, to: from + length }, { from: to - length, to }] });
  return done(view, {
    changes: [{ from, insert: mark }, { from: to, insert: mark }],
    selection: { anchor: from + length, head: to + length },
  });
}

/** Each chosen line gets `prefix` in place of its mark of a heading or list; lines that have it lose it. */
export function toggleLines(view, prefix) {
  const { state } = view;
  const { from, to } = state.selection.main;
  const changes = [];
  const lines = [];
  for (let line = state.doc.lineAt(from); ; line = state.doc.line(line.number + 1)) {
    if (line.text.trim() || from === to) lines.push(line);
    if (line.to >= to) break;
  }
  const all = lines.every((line) => line.text.startsWith(prefix));
  for (const line of lines) {
    const old = /^(#{1,6} |[-*+] |\d+[.)] )?/.exec(line.text)[0];
    changes.push({ from: line.from, to: line.from + old.length, insert: all ? "" : prefix });
  }
  const made = state.changes(changes);
  return done(view, { changes: made, selection: state.selection.map(made, 1) }); // behind the mark of an empty line
}

/** Enter in a list begins the next item; in an empty item it ends the list. Elsewhere it does nothing. */
export function nextItem(view) {
  const { state } = view;
  const { head, empty } = state.selection.main;
  const line = state.doc.lineAt(head);
  const [, mark, bullet, rest] = /^(\s*([-*+]|\d+[.)]) +)(.*)$/.exec(line.text.replace(/\r$/, "")) ?? [];
  if (!empty || !mark || head < line.from + mark.length) return false;
  if (!rest.trim()) return done(view, { changes: { from: line.from, to: line.from + mark.length } });
  const next = mark.replace(bullet, bullet.replace(/\d+/, (number) => Number(number) + 1));
  return done(view, { changes: { from: head, insert: `\n${next}` }, selection: { anchor: head + 1 + next.length } });
}

/**
 * Lines of their own at the cursor, outside of any ::: block (none can be in another). `|` in `source` is where the
 * cursor goes. What is chosen isn't touched.
 */
export function insertBlock(view, source, { blocks }) {
  const { doc, selection } = view.state;
  const here = doc.lineAt(selection.main.head);
  const block = blocks.find(({ from, to }) => from <= here.number && here.number <= to);
  const line = block ? doc.line(block.to) : endOfParagraph(doc, here);
  const blank = !line.text.trim();
  const before = blank ? (line.number > 1 && doc.line(line.number - 1).text.trim() ? "\n" : "") : "\n\n";
  const after = line.number === doc.lines ? "\n" : doc.line(line.number + 1).text.trim() ? "\n" : "";
  const text = before + source.replace("|", "") + after;
  const cursor = source.indexOf("|");
  const at = blank ? line.from : line.to - (line.text.endsWith("\r") ? 1 : 0);
  return done(view, {
    changes: { from: at, to: blank ? line.to - (line.text.endsWith("\r") ? 1 : 0) : at, insert: text },
    selection: { anchor: at + before.length + (cursor < 0 ? source.length : cursor) },
  });
}

function endOfParagraph(doc, line) {
  while (line.text.trim() && line.number < doc.lines && doc.line(line.number + 1).text.trim()
    && !/^\{%|^:::/.test(doc.line(line.number + 1).text) && !/^\{%|^:::/.test(line.text)) line = doc.line(line.number + 1);
  return line;
}

/** Words at the cursor, in place of what is chosen. */
export function insertWords(view, words) {
  return done(view, view.state.replaceSelection(words));
}

/** A mention at the cursor, and the note with the next free number at the text's end, where the cursor goes. */
export function addNote(view) {
  const { doc, selection } = view.state;
  const text = view.state.sliceDoc();
  const used = [...text.matchAll(/\[\^(\d+)\]/g)].map((found) => Number(found[1]));
  const number = Math.max(0, ...used) + 1;
  const hasNotes = /^\[\^[^\]\s]+\]:/.test(doc.line(lastWritten(doc)).text);
  const end = doc.line(lastWritten(doc));
  const note = `${hasNotes ? "\n" : "\n\n"}[^${number}]: `;
  const mention = `[^${number}]`;
  const at = Math.min(selection.main.to, end.to);
  const more = end.number === doc.lines ? "\n" : "";
  return done(view, {
    changes: [{ from: at, insert: mention }, { from: end.to, insert: note + more }],
    selection: { anchor: end.to + mention.length + note.length },
  });
}

function lastWritten(doc) {
  let number = doc.lines;
  while (number > 1 && !doc.line(number).text.trim()) number -= 1;
  return number;
}

/** A condition around the chosen lines, or around an empty one. */
export function wrapInCondition(view, expression, outline) {
  const { doc, selection } = view.state;
  const { from, to, empty } = selection.main;
  if (empty) return insertBlock(view, `{% if ${expression} %}\n|\n{% endif %}`, outline);
  const first = doc.lineAt(from);
  const last = doc.lineAt(to);
  return done(view, { changes: [{ from: first.from, insert: `{% if ${expression} %}\n` }, { from: last.to, insert: "\n{% endif %}" }] });
}

/** The link at the cursor: {from, to, words, target}; for none, what is chosen as its words. */
export function linkAt(state) {
  const { from, to } = state.selection.main;
  const line = state.doc.lineAt(from);
  const pattern = /(?<!!)\[([^\]]*)\]\(((?:\{\{.*?\}\}|[^\s()])*)(?:\s+"[^"]*")?\)/g;
  for (const found of line.text.matchAll(pattern)) {
    const start = line.from + found.index;
    if (start <= from && to <= start + found[0].length) {
      return { from: start, to: start + found[0].length, words: found[1], target: found[2] };
    }
  }
  return { from, to, words: state.sliceDoc(from, to), target: null };
}

/** A link in place of `found` (of `linkAt`); with no `target` its words alone. */
export function setLink(view, found, words, target) {
  const insert = target ? `[${words.replace(/[[\]]/g, "\\$&")}](${target})` : words;
  return done(view, { changes: { from: found.from, to: found.to, insert }, selection: { anchor: found.from + insert.length } });
}

export { undo };
