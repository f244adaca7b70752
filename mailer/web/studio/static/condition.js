// "Only for …": asks who reads the words, in the same builder as the audience, and answers with the expression.
import { ask, field, leave, main } from "./editor/dialogs.js";
import { el } from "./editor/icons.js";

/**
 * {expression, words, count, of}, or null for "leave it". `builder` is the address of the builder's script and `address`
 * that of its rows; without a builder the expression itself is asked for.
 */
export async function askCondition(expression, { builder, address }) {
  const title = "Who reads these words?";
  if (!builder) {
    const input = el("input", { id: "ed-expression", value: expression, required: true, spellcheck: "false" });
    return ask(document.body, title, field("People of whom this holds, such as: supporter.country == \"GB\"", input),
      [leave("Cancel"), main("Only for them")], () => ({ expression: input.value.trim() }));
  }
  const { builder: build } = await import(builder);
  const host = el("div", { class: "ed-builder", "data-first": true, tabindex: "-1" });
  const says = el("p", { class: "ed-says", role: "status" }), wrong = el("p", { class: "ed-wrong", role: "alert" });
  let told = { expression };
  const rows = build(host, `${address}?expression=${encodeURIComponent(expression)}`, (now) => {
    told = now;
    wrong.textContent = now.wrong ?? "";
    const number = new Intl.NumberFormat();
    says.textContent = now.words ? `Only for ${now.words}${now.count == null ? "" : `: ${number.format(now.count)} of ${number.format(now.of)}`}` : "";
  });
  const given = await ask(document.body, title, [host, says, wrong], [leave("Cancel"), main("Only for them")], () => {
    if (told.expression && !told.wrong) return told;
    wrong.textContent = told.wrong || "Choose a value first.";
    return undefined;
  }, { apart: host });
  rows?.close?.();
  return given;
}
