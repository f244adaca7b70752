// What can be put in, for the toolbar, the / menu and the keys alike.
import { addNote, insertBlock, insertWords, linkAt, setLink, toggleLines, toggleMark, undo, wrapInCondition } from "./commands.js";
import { askAlt, askLink, askTag } from "./dialogs.js";
import { config } from "./live.js";
import { outline } from "./outline.js";

const settings = (view) => view.state.facet(config);
const block = (source) => (view) => insertBlock(view, source, outline(view.state.doc));

async function link(view) {
  const { options, labels } = settings(view);
  const found = linkAt(view.state);
  const given = await askLink(view.dom.parentNode, { found, pages: options.pages, signPage: options.signPage, labels });
  if (given) setLink(view, found, given.words || given.target, given.target);
}

async function tag(view) {
  const { tags, labels, options } = settings(view);
  const source = await askTag(view.dom.parentNode, { tags, labels: { ...labels, language: options.language } });
  if (source) insertWords(view, source);
}

async function condition(view) {
  const expression = await settings(view).options.buildCondition?.("");
  if (expression) wrapInCondition(view, expression, outline(view.state.doc));
}

/** Uploads a picture, asks what it shows, and puts it in. Failures are said through `options.onProblem`. */
export async function putPicture(view, file) {
  const { options, labels } = settings(view);
  try {
    const { source, address } = await options.uploadPicture(file);
    if (options.pictures) options.pictures[source] = address;
    else options.pictures = { [source]: address };
    const given = await askAlt(view.dom.parentNode, { address, labels });
    if (given) insertBlock(view, `![${given.alt}](${source})`, outline(view.state.doc));
  } catch (error) {
    options.onProblem?.(labels.pictureFailed(error.message));
  }
}

/** Asks for a picture's file, and calls `chosen(file)`. */
export function choosePicture(chosen) {
  const chooser = document.createElement("input");
  Object.assign(chooser, { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp" });
  chooser.addEventListener("change", () => chooser.files[0] && chosen(chooser.files[0]));
  chooser.click();
}

/** Every tool: its icon, its key, its group in the menu, and what it does. */
export const TOOLS = {
  bold: { icon: "bold", key: "Mod-b", run: (view) => toggleMark(view, "**") },
  heading: { icon: "heading", group: "story", run: (view) => toggleLines(view, "## ") },
  list: { icon: "list", group: "story", run: (view) => toggleLines(view, "- ") },
  link: { icon: "link", key: "Mod-k", run: link },
  ask: { icon: "ask", key: "Mod-Enter", group: "sign", run: block("::: ask|\n:::") },
  progress: { icon: "progress", group: "sign", run: block("::: progress\n|\n:::") },
  share: { icon: "share", group: "sign", run: block("::: share\n|\n:::") },
  tag: { icon: "person", key: "Mod-.", group: "reader", run: tag, needs: (options) => options.tags?.length },
  condition: { icon: "people", group: "reader", run: condition, needs: (options) => options.buildCondition },
  picture: { icon: "picture", group: "story", run: (view) => choosePicture((file) => putPicture(view, file)), needs: (options) => options.uploadPicture },
  quote: { icon: "quote", group: "story", run: block("::: quote |\n\n:::") },
  numbers: { icon: "numbers", group: "story", run: block("::: numbers\n- **|** \n- **** \n- **** \n:::") },
  story: { icon: "story", group: "story", run: block("::: story\n### |\n\n\n:::") },
  note: { icon: "note", group: "story", run: addNote },
  ps: { icon: "ps", group: "story", run: block("::: ps\n|\n:::") },
  undo: { icon: "undo", run: undo },
};

/** The tools that these options have a use for. */
export const usable = (options) => Object.entries(TOOLS)
  .filter(([name, tool]) => (!options.only || options.only.includes(name)) && (!tool.needs || tool.needs(options)));

/** Words of a tool: [name, line of use]. */
export const wordsOf = (name, labels) => labels.items[name];
