// Paste and drop: rich text becomes the Markdown that somebody would have written, pictures are uploaded. Text that has no
// form (Ctrl Shift V, or copied from here) goes in as it is.
import { EditorView } from "@codemirror/view";

import { cleaned } from "./clean_html.js";
import { config } from "./live.js";
import { putPicture } from "./tools.js";

const RICH = /<(b|strong|i|em|a|h[1-6]|ul|ol|li|p|div|br|blockquote|table|span)\b/i;
const TAG = /(\{\{[^]*?\}\}|\{%[^]*?%\})/;

const pictures = (data) => [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));

async function putAll(view, files) {
  for (const file of files) await putPicture(view, file);
}

export const paste = EditorView.domEventHandlers({
  paste(event, view) {
    const html = event.clipboardData?.getData("text/html") ?? "";
    const files = pictures(event.clipboardData);
    // Word brings a picture of the words beside the words.
    if (files.length && !/\S/.test(event.clipboardData.getData("text/plain")) && view.state.facet(config).options.uploadPicture) {
      putAll(view, files);
      return true;
    }
    if (!RICH.test(html)) return false;
    const plain = event.clipboardData.getData("text/plain");
    toMarkdown(html).then((text) => put(view, text || plain), () => put(view, plain));
    return true;
  },
  drop(event, view) {
    const files = pictures(event.dataTransfer);
    if (!files.length || !view.state.facet(config).options.uploadPicture) return false;
    event.preventDefault();
    const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
    if (at !== null) view.dispatch({ selection: { anchor: at } });
    putAll(view, files);
    return true;
  },
});

function put(view, text) {
  const { from } = view.state.selection.main;
  const line = view.state.doc.lineAt(from);
  const apart = text.includes("\n") && view.state.sliceDoc(line.from, from).trim() ? "\n\n" : "";
  view.dispatch({ ...view.state.replaceSelection(apart + text), userEvent: "input.paste", scrollIntoView: true });
}

/** Markdown of pasted HTML: one line for each paragraph, `-` and `1.` for lists, merge tags as they are. */
export async function toMarkdown(html) {
  const { default: TurndownService } = await import("turndown");
  const service = new TurndownService({
    headingStyle: "atx", bulletListMarker: "-", emDelimiter: "*", strongDelimiter: "**", hr: "", br: "\\",
  });
  const escape = service.escape.bind(service);
  service.escape = (text) => text.split(TAG).map((part, at) => (at % 2 ? part : escape(part))).join("");
  service.addRule("item", {
    filter: "li",
    replacement(content, node) {
      const list = node.parentNode;
      const mark = list.nodeName === "OL" ? `${[...list.children].indexOf(node) + 1}. ` : "- ";
      const inner = content.trim().replace(/\n{2,}/g, "\n").replace(/\n/g, `\n${" ".repeat(mark.length)}`);
      return `${mark}${inner}${node.nextElementSibling ? "\n" : ""}`;
    },
  });
  // Stars count only where a word begins or ends, so punctuation at their edge goes outside.
  service.addRule("emphasis", {
    filter: ["strong", "b", "em", "i"],
    replacement(content, node) {
      const mark = /^(STRONG|B)$/.test(node.nodeName) ? "**" : "*";
      const [, before, inner] = /^([\s,.;:!?)\]”’]*)([^]*)$/.exec(content);
      const beside = /^\w/.test(node.nextSibling?.textContent ?? "");
      const [, kept, after] = (beside ? /^([^]*?)([\s\p{P}]*)$/u : /^([^]*?)(\s*)$/).exec(inner);
      return kept ? before + mark + kept + mark + after : content;
    },
  });
  service.addRule("line", { filter: "hr", replacement: () => "\n\n" });
  service.addRule("code", { filter: ["pre", "code"], replacement: (content) => content });
  const text = service.turndown(cleaned(html));
  return text.replace(/[ \t]+$/gm, "").replace(/^\\$/gm, "").replace(/\\\n(?=\n|$)/g, "\n").replace(/\n{3,}/g, "\n\n").trim();
}
