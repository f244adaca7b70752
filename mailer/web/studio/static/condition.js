// "Only for …": asks who reads the words, in the same builder as the audience, and answers with the expression.
import { builder } from "./builder.js";
import { ask, leave, main } from "./editor/dialogs.js";
import { el } from "./editor/icons.js";

/** {expression, words, count, of}, or null for "leave it". `address` is that of the builder's rows. */
export async function askCondition(expression, address) {
  const host = el("div", { class: "ed-builder", "data-first": true, tabindex: "-1" });
  const says = el("p", { class: "ed-says", role: "status" }), wrong = el("p", { class: "ed-wrong", role: "alert" });
  const number = new Intl.NumberFormat();
  let told = { expression };
  const rows = builder(host, `${address}?expression=${encodeURIComponent(expression)}`, (now) => {
    told = now;
    wrong.textContent = now.wrong;
    says.textContent = now.words ? `Only for ${now.words}${now.count === null ? "" : `: ${number.format(now.count)} of ${number.format(now.of)}`}` : "";
  });
  const given = await ask(document.body, "Who reads these words?", [says, wrong], [leave("Cancel"), main("Only for them")], () => {
    if (told.expression && !told.wrong) return told;
    wrong.textContent = told.wrong || "Choose a value first.";
    return undefined;
  }, { apart: host });
  rows.close();
  return given;
}
