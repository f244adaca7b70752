// Which lines belong to which block and which condition. Read from the lines alone, as tags and fences are lines.
import { BLOCKS, CONTROL_LINE, FENCE } from "./grammar.js";

/**
 * {blocks, conditions} of a text, with numbers of lines, from 1.
 * A block: {kind, tail, from, to, closed}. A condition: {branches: [{word, expression, line}], from, to}; without an end, none.
 */
export function outline(doc) {
  const blocks = [];
  const conditions = [];
  const open = [];
  let block = null;
  let number = 0;
  for (const text of doc.iterLines()) {
    number += 1;
    if (text.charCodeAt(0) === 58) {
      const fence = FENCE.exec(text);
      if (fence && block && !fence[1]) {
        blocks.push({ ...block, to: number, closed: true });
        block = null;
      } else if (fence && !block && BLOCKS.includes(fence[1])) {
        block = { kind: fence[1], tail: fence[2], from: number };
      }
    } else if (text.includes("{%")) {
      const control = CONTROL_LINE.exec(text);
      if (!control) continue;
      const [, word, expression] = control;
      if (word === "if") open.push({ branches: [{ word, expression, line: number }], from: number });
      else if (!open.length) continue;
      else if (word === "endif") conditions.push({ ...open.pop(), to: number });
      else open.at(-1).branches.push({ word, expression, line: number });
    }
  }
  return { blocks, conditions: conditions.sort((a, b) => a.from - b.from) };
}
