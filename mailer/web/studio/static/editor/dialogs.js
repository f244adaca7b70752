// Dialogs of the editor: a link, a name, a picture. Each answers what was chosen, or null when it was left.
import { el } from "./icons.js";

/**
 * A dialog whose form answers `read()`, or a promise of it, or null; undefined keeps it open. Focus goes back to where it
 * was. `apart`: what has forms of its own, and comes before.
 */
export function ask(host, title, parts, buttons, read, { apart = null } = {}) {
  return new Promise((answer) => {
    const before = document.activeElement;
    const heading = el("h2", { id: "ed-dialog-title" }, title);
    const form = el("form", { method: "dialog" }, ...parts, el("div", { class: "ed-buttons" }, ...buttons));
    const dialog = el("dialog", { class: "ed-dialog", "aria-labelledby": "ed-dialog-title" }, heading, apart, form);
    const end = (value) => {
      dialog.close();
      dialog.remove();
      if (before?.isConnected) before.focus();
      answer(value);
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const value = await read(event.submitter?.value);
      if (value !== undefined) end(value);
    });
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); end(null); });
    form.querySelector("[data-leave]")?.addEventListener("click", () => end(null));
    host.append(dialog);
    dialog.showModal();
    (dialog.querySelector("[data-first]") ?? form.querySelector("input, select")).focus();
  });
}

export const leave = (label) => el("button", { type: "button", "data-leave": true }, label);
export const main = (label) => el("button", { class: "ed-main", value: "main" }, label);
export const field = (label, input) => [el("label", { class: "ed-label", for: input.id }, label), input];

/** {words, target} of a link; target "" takes it out. `pages`: [{label, address}] of ours. */
export function askLink(host, { found, pages = [], signPage, labels }) {
  const target = found.target;
  const isPage = pages.some((page) => page.address === target);
  const hasSignPage = signPage !== "";
  const kind = (!target && hasSignPage) || target === "action" ? "action" : !target ? "web" : isPage ? "page" : /^(mailto|tel):/.test(target) ? "person" : "web";
  const words = el("input", { id: "ed-words", value: found.words, "data-first": !found.words, required: true });
  const web = el("input", { id: "ed-web", value: kind === "web" ? target : "https://", "aria-label": labels.webAddress });
  const person = el("input", { id: "ed-person", value: kind === "person" ? target.replace(/^\w+:/, "") : "", "aria-label": labels.person });
  const page = el("select", { id: "ed-page", "aria-label": labels.ourPage },
    ...pages.map((one) => el("option", { value: one.address, selected: one.address === target }, one.label)));
  const wrong = el("p", { class: "ed-wrong", role: "alert" });
  const choice = (value, title, line, more) => el("label", { class: "ed-choice" },
    el("input", { type: "radio", name: "kind", value, checked: value === kind, "data-first": value === kind && Boolean(found.words) }),
    el("span", {}, el("b", {}, title), line ? el("small", {}, line) : null, more ?? null));
  const inputs = { web, person, page };
  const parts = [
    ...field(labels.wordsToPress, words),
    hasSignPage ? choice("action", labels.signPage, signPage ?? labels.signPageLine) : null,
    pages.length ? choice("page", labels.ourPage, null, page) : null,
    choice("web", labels.webAddress, labels.webLine, web),
    choice("person", labels.person, null, person),
    wrong,
  ].filter(Boolean);
  for (const [value, input] of Object.entries(inputs)) {
    input.addEventListener("focus", () => { input.closest("label").querySelector(`[value=${value}]`).checked = true; });
  }
  const away = found.target === null ? null : el("button", { class: "ed-away", value: "away", formnovalidate: true }, labels.takeOut);
  return ask(host, labels.linkTitle, parts, [away, leave(labels.cancel), main(labels.setLink)].filter(Boolean), (pressed) => {
    if (pressed === "away") return { words: words.value, target: "" };
    const chosen = words.form.elements.kind.value;
    const given = chosen === "action" ? "action" : chosen === "page" ? page.value : address(chosen, inputs[chosen].value.trim());
    if (given) return { words: words.value.trim(), target: given };
    wrong.textContent = chosen === "person" ? labels.noPerson : labels.noAddress;
    inputs[chosen].focus();
    return undefined;
  });
}

// What was typed, as a link's target; "" where it can't be one.
function address(kind, given) {
  if (kind === "person") {
    if (/^[^\s@()<>]+@[^\s@()<>]+\.[^\s@()<>]+$/.test(given)) return `mailto:${given}`;
    const digits = given.replace(/[\s()/.-]/g, "");
    return /^\+?\d{3,15}$/.test(digits) ? `tel:${digits}` : "";
  }
  if (/^#[\w-]+$/.test(given) || /^\{\{\s*\w+\s*\}\}$/.test(given)) return given;
  const full = /^[a-z][a-z0-9+.-]*:/i.test(given) ? given : `https://${given}`;
  if (!/^https?:\/\/[^\s/]+\.[^\s]+$/i.test(full.replace(/\{\{.*?\}\}/g, "x"))) return "";
  return full.replace(/[()]/g, (sign) => (sign === "(" ? "%28" : "%29"));
}

/**
 * The source of a merge tag. What people without a value read is asked for, unless everybody has one; that they read
 * nothing must be said. `now`: the tag that is there already, as {name, fallback}.
 */
export function askTag(host, { tags, labels, now = null }) {
  const number = new Intl.NumberFormat(labels.language);
  const list = el("select", { id: "ed-tag" }, ...tags.map((tag) => el("option", { value: tag.tag, selected: tag.tag === now?.name },
    tag.of ? labels.known(tag.words, number.format(tag.known), number.format(tag.of)) : tag.words)));
  const fallback = el("input", { id: "ed-fallback", "data-first": true });
  const nothing = el("input", { type: "checkbox", id: "ed-nothing", checked: now?.fallback === "" });
  const wrong = el("p", { class: "ed-wrong", role: "alert" });
  const chosen = () => tags.find((tag) => tag.tag === list.value);
  const needs = (tag) => tag?.tag.startsWith("supporter.") && !(tag.of && tag.known === tag.of);
  const asked = el("div", {}, ...field(labels.tagFallback, fallback), el("label", { class: "ed-choice" }, nothing, el("span", {}, labels.tagNothing)));
  const follow = () => {
    fallback.value = list.value === now?.name ? now.fallback ?? "" : chosen()?.fallback ?? "";
    asked.hidden = !needs(chosen());
    wrong.textContent = "";
  };
  list.addEventListener("change", follow);
  follow();
  return ask(host, labels.tagTitle, [...field(labels.tagField, list), asked, wrong],
    [leave(labels.cancel), main(now ? labels.change : labels.putIn)], () => {
      const said = fallback.value.trim().replace(/[\\{}]/g, "").replace(/"/g, "”");
      if (!needs(chosen())) return `{{ ${list.value} }}`;
      if (said) return `{{ ${list.value} | default("${said}") }}`;
      if (nothing.checked) return `{{ ${list.value} | default("") }}`;
      wrong.textContent = labels.noFallback;
      fallback.focus();
      return undefined;
    });
}

/** {alt} of a picture; "" for a decoration. Nothing goes in without one of both. */
export function askAlt(host, { address, labels }) {
  const alt = el("input", { id: "ed-alt" });
  const only = el("input", { type: "checkbox", id: "ed-decoration" });
  const wrong = el("p", { class: "ed-wrong", role: "alert" });
  const parts = [
    address ? el("img", { src: address, alt: "", class: "ed-preview" }) : null,
    ...field(labels.alt, alt), el("label", { class: "ed-choice" }, only, el("span", {}, labels.isDecoration)), wrong,
  ].filter(Boolean);
  return ask(host, labels.altTitle, parts, [leave(labels.cancel), main(labels.putIn)], () => {
    if (only.checked) return { alt: "" };
    if (alt.value.trim()) return { alt: alt.value.trim().replace(/[[\]]/g, "") };
    wrong.textContent = labels.noAlt;
    alt.focus();
    return undefined;
  });
}

