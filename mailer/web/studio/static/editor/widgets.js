// What the text shows in place of notation: pills, heads of bands, numbers, pictures. None holds text of its own that
// could be lost: each is made from the source and goes when the cursor comes.
import { WidgetType } from "@codemirror/view";

import { el, icon } from "./icons.js";

export class Shown extends WidgetType {
  /** `key` says what it shows: the same key, the same DOM. */
  constructor(key, make, { block = false, events = false } = {}) {
    super();
    Object.assign(this, { key, make, block, events });
  }
  eq(other) {
    return other.key === this.key;
  }
  toDOM(view) {
    return this.make(view);
  }
  ignoreEvent(event) {
    return this.events && event.type !== "mousedown" ? true : this.events;
  }
}

export const space = new Shown("space", () => el("span", {}, " "));
export const words = (text, className = "") => new Shown(`words ${className} ${text}`, () => el("span", { class: className }, text));

export function pill({ words, known, name }) {
  const mark = name.startsWith("supporter") ? "person" : null;
  return new Shown(`pill ${words} ${known}`, () =>
    el("span", { class: known ? "ed-pill" : "ed-pill ed-pill-odd" }, mark && icon(mark), words));
}

/** The head of a band; `button` is {label, press(view)}. */
export function bandHead({ key, says, count, button, iconName = "people" }) {
  return new Shown(`head ${key} ${says} ${count}`, (view) =>
    el("span", { class: "ed-band-head" },
      iconName && icon(iconName),
      el("span", { class: "ed-band-says" }, says, count ? el("span", { class: "ed-band-count" }, count) : null),
      button ? pressable(view, button) : null));
}

/** A button in the text. It is pressed by mouse, touch and keyboard, and never takes the cursor into the source. */
export function pressable(view, { label, press, iconName, className = "ed-quiet" }) {
  return el("button", {
    type: "button", class: className, contenteditable: "false",
    onmousedown: (event) => { event.preventDefault(); event.stopPropagation(); },
    onclick: (event) => { event.preventDefault(); press(view, event.currentTarget); },
    onkeydown: (event) => event.stopPropagation(),
  }, iconName ? icon(iconName) : null, label);
}

export function numbers(items, from) {
  return new Shown(`numbers ${from} ${JSON.stringify(items)}`, (view) =>
    el("div", { class: "ed-numbers", onmousedown: (event) => enter(event, view, from) },
      ...items.map(([figure, label]) => el("div", {}, el("b", {}, figure), el("span", {}, label)))), { block: true });
}

function enter(event, view, at) {
  event.preventDefault();
  view.dispatch({ selection: { anchor: Math.min(at, view.state.doc.length) }, scrollIntoView: true });
  view.focus();
}

export function picture({ address, alt, source, caption, from, labels }) {
  return new Shown(`picture ${from} ${address} ${alt} ${caption}`, (view) => {
    const shown = el("img", { src: address, alt, onload: () => view.requestMeasure() });
    shown.addEventListener("error", () => shown.replaceWith(el("span", { class: "ed-lost" }, icon("picture"), source)));
    return el("span", { class: "ed-picture", onmousedown: (event) => enter(event, view, from) }, shown,
      el("span", { class: "ed-cap" }, icon("picture"), caption || alt || labels.decoration));
  });
}
