// "Only for …": asks who reads the words, in the same builder as the audience, and answers with the expression.
import { builder } from "./builder.js";
import { ask, leave, main } from "./editor/dialogs.js";
import { el } from "./editor/icons.js";

/** {expression, words, count, of}, or null for "leave it". `address` is that of the builder's rows. */
export async function askCondition(expression, address, { counts = true } = {}) {
  const host = el("div", { class: "ed-builder", "data-first": true, tabindex: "-1" });
  const says = el("p", { class: "ed-says", role: "status" }), wrong = el("p", { class: "ed-wrong", role: "alert" });
  const number = new Intl.NumberFormat();
  let told = { expression };
  const rows = builder(host, `${address}?expression=${encodeURIComponent(expression)}`, (now) => {
    told = now.count === null && now.expression === told.expression ? { ...now, count: told.count ?? null, of: told.of } : now;
    wrong.textContent = told.wrong;
    says.textContent = told.words ? `Only for ${told.words}${told.count == null ? "" : `: ${number.format(told.count)} of ${number.format(told.of)}`}` : "";
  }, { counts });
  const given = await ask(document.body, "Who reads these words?", [says, wrong], [leave("Cancel"), main("Only for them")], async () => {
    const settled = await rows.settled(); // what was told may be of before the last key
    if (settled && told.expression && !told.wrong) return told;
    wrong.textContent = settled ? told.wrong || "Choose a value first." : "The studio can’t be asked just now. Try again in a moment.";
    return undefined;
  }, { apart: host });
  rows.close();
  return given;
}
