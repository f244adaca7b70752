// Our Markdown for CodeMirror: CommonMark as mailer/compose/markdown reads it (no raw HTML, no code by indentation), and
// what it has beyond: {{ tags }}, {% conditions %}, ::: blocks and footnotes. Only the look depends on it; what is
// mailed is decided by the server alone.
import { defineLanguageFacet, Language } from "@codemirror/language";
import { parser } from "@lezer/markdown";

export const BLOCKS = ["ask", "quote", "picture", "numbers", "story", "progress", "share", "ps"];

/** A line that begins or ends a block: ["::: quote Ada", "quote", "Ada"], or with no name the end. */
export const FENCE = /^:::+[ \t]*([a-z]*)[ \t]*(.*?)[ \t\r]*$/;
/** A line of nothing but one {% tag %}. */
export const CONTROL_LINE = /^[ \t]*\{%-?\s*(if|elif|else|endif)\b\s*((?:(?!%\}).)*?)\s*-?%\}[ \t\r]*$/;

// What is in braces is one thing: its stars and underscores mean nothing to Markdown. It may go over a line's end.
function braced(name, node, close) {
  return {
    name,
    before: "Escape",
    parse(cx, next, pos) {
      if (next !== 123 || cx.char(pos + 1) !== close.charCodeAt(0)) return -1;
      const found = cx.slice(pos + 2, cx.end).indexOf(close === "{" ? "}}" : "%}");
      return found < 0 ? -1 : cx.addElement(cx.elt(node, pos, pos + 2 + found + 2));
    },
  };
}

// A line that is in no paragraph: the ends of blocks, and conditions around whole paragraphs.
function line(name, pattern) {
  const fits = (line) => pattern.test(line.text.slice(line.pos));
  return {
    name,
    before: "LinkReference",
    parse(cx, line) {
      if (!fits(line)) return false;
      cx.addElement(cx.elt(name, cx.lineStart + line.pos, cx.lineStart + line.text.length));
      cx.nextLine();
      return true;
    },
    endLeaf: (_, line) => fits(line),
  };
}

// `[^1]: words` is a note, not the address of `[^1]`.
const noteLine = {
  name: "Note",
  before: "LinkReference",
  leaf: (_, leaf) => (/^\[\^[^\]\s]+\]:/.test(leaf.content) ? NOTE : null),
  endLeaf: (_, line) => /^\[\^[^\]\s]+\]:/.test(line.text.slice(line.pos)),
};
const NOTE = {
  nextLine: () => false,
  finish(cx, leaf) {
    const mark = leaf.content.indexOf("]:") + 2;
    cx.addLeafElement(leaf, cx.elt("Note", leaf.start, leaf.start + leaf.content.length, [
      cx.elt("NoteMark", leaf.start, leaf.start + mark),
      ...cx.parser.parseInline(leaf.content.slice(mark), leaf.start + mark),
    ]));
    return true;
  },
};
const noteMention = {
  name: "NoteMention",
  before: "Link",
  parse(cx, next, pos) {
    const found = next === 91 && /^\[\^[^\]\s]+\]/.exec(cx.slice(pos, cx.end));
    return found ? cx.addElement(cx.elt("NoteMention", pos, pos + found[0].length)) : -1;
  },
};

const block = (name) => ({ name, block: true });

export const markdown = parser.configure({
  defineNodes: [{ name: "MergeTag" }, { name: "Control" }, { name: "NoteMention" }, { name: "NoteMark" },
    block("Fence"), block("ControlLine"), block("Note")],
  parseInline: [braced("MergeTag", "MergeTag", "{"), braced("Control", "Control", "%"), noteMention],
  parseBlock: [line("Fence", FENCE), line("ControlLine", CONTROL_LINE), noteLine],
  remove: ["HTMLBlock", "HTMLTag", "IndentedCode"],
});

const data = defineLanguageFacet({});

export const language = new Language(data, markdown, [], "newsletter");
