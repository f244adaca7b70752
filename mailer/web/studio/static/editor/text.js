// The text itself, byte for byte: what was loaded is what is saved, but for what somebody changed.
import { EditorState } from "@codemirror/state";

/** Lines end at LF and nowhere else; CR, U+2028 and NUL are characters like others, and stay. */
export const byteExact = EditorState.lineSeparator.of("\n");

/** In a text whose lines end with CR LF, new lines do too. */
export const keepsLineEnds = EditorState.transactionFilter.of((change) => {
  if (!change.docChanged || !change.isUserEvent("input")) return change;
  if (!change.startState.doc.line(1).text.endsWith("\r") || change.startState.doc.lines < 2) return change;
  const changes = [];
  let missing = false;
  change.changes.iterChanges((from, to, _a, _b, inserted) => {
    const text = inserted.toString();
    const fitted = text.replace(/\r?\n/g, "\r\n");
    missing ||= fitted !== text;
    changes.push({ from, to, insert: fitted });
  });
  if (!missing) return change;
  const moved = change.startState.changes(changes);
  return {
    changes: moved, effects: change.effects, scrollIntoView: change.scrollIntoView,
    selection: { anchor: moved.mapPos(change.startState.selection.main.to, 1) },
    userEvent: "input",
  };
});

/** The one change that makes `after` of `before`: what is between their common beginning and end. */
export function difference(before, after) {
  const most = Math.min(before.length, after.length);
  let from = 0;
  while (from < most && before[from] === after[from]) from += 1;
  let end = 0;
  while (end < most - from && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return { from, to: before.length - end, insert: after.slice(from, after.length - end) };
}
