// HTML of a clipboard → a tree of the few elements that a mail has. Google Docs, Word, Outlook and web pages each say
// bold, lists and headings their own way. Styles are read from the attribute as text: our policy lets none apply.

const DROPPED = /<(style|script|title|xml|noscript|template|svg)\b[^>]*>[^]*?<\/\1\s*>|<\/?(?:meta|link|base|html|head|body|o:\w+|w:\w+|v:\w+|st1:\w+)\b[^>]*>|<!--[^]*?-->|<!\[[^\]]*\]>/gi;
const STYLED = /(<[a-z][^<>]*?\s)(style|on\w+)(?=\s*=)/gi;
const KEPT_LINK = /^(https?:|mailto:|tel:)/i;

/** The body of what was pasted, with a, strong, em, p, h2, h3, ul, ol, li, blockquote and br in it. */
export function cleaned(html) {
  const body = new DOMParser().parseFromString(inert(html), "text/html").body;
  for (const one of [...body.querySelectorAll("img, object, iframe, form, button, input, select, textarea, nav, .MsoCommentReference")]) one.remove();
  for (const one of [...body.querySelectorAll("[data-style]")]) {
    if (/(display\s*:\s*none|mso-hide\s*:\s*all)/i.test(styleOf(one))) one.remove();
  }
  wordLists(body);
  for (const one of [...body.querySelectorAll("*")]) {
    if (one.isConnected || body.contains(one)) marks(one);
  }
  for (const one of [...body.querySelectorAll("h1, h4, h5, h6, p.MsoTitle")]) rename(one, /^H1|P/.test(one.tagName) ? "h2" : "h3");
  for (const one of [...body.querySelectorAll("a")]) link(one);
  for (const one of [...body.querySelectorAll("li > p:only-child")]) unwrap(one);
  texts(body);
  return body;
}

// Attributes that the policy would refuse, one by one, as reading them alone counts as use.
function inert(html) {
  let text = html.replace(DROPPED, "");
  for (let before = ""; before !== text;) {
    before = text;
    text = text.replace(STYLED, "$1data-$2");
  }
  return text;
}

const styleOf = (one) => one.getAttribute("data-style") ?? "";

// A strong or em that says it isn't (Google wraps everything in one), and a span that says it is.
function marks(one) {
  const style = styleOf(one);
  const weight = /(?:^|[;\s])font-weight\s*:\s*(\w+)/i.exec(style)?.[1];
  const slant = /(?:^|[;\s])font-style\s*:\s*(\w+)/i.exec(style)?.[1];
  const name = one.tagName;
  const heading = one.closest("h1, h2, h3, h4, h5, h6, .MsoTitle");
  if (/^(B|STRONG)$/.test(name) && (heading || (weight && !isBold(weight)))) return unwrap(one);
  if (/^(I|EM)$/.test(name) && slant === "normal") return unwrap(one);
  if (!/^(SPAN|FONT|A)$/.test(name)) return undefined;
  if (isBold(weight) && !heading && !one.closest("b, strong")) around(one, "strong");
  if (/italic|oblique/.test(slant ?? "") && !one.closest("i, em")) around(one, "em");
  return undefined;
}

const isBold = (weight) => weight === "bold" || weight === "bolder" || Number(weight) >= 600;

function around(one, name) {
  const made = one.ownerDocument.createElement(name);
  made.append(...one.childNodes);
  one.append(made);
}

function unwrap(one) {
  one.replaceWith(...one.childNodes);
}

function rename(one, name) {
  const made = one.ownerDocument.createElement(name);
  made.append(...one.childNodes);
  one.replaceWith(made);
}

// Programs send links through addresses of their own.
function link(one) {
  let href = one.getAttribute("href") ?? "";
  try {
    const url = new URL(href);
    const inner = (/(^|\.)google\.\w+$/.test(url.hostname) && url.pathname === "/url" && url.searchParams.get("q"))
      || (/\.safelinks\.protection\.outlook\.com$/.test(url.hostname) && url.searchParams.get("url"));
    if (inner) href = inner;
  } catch {
    href = "";
  }
  if (!KEPT_LINK.test(href) || !one.textContent.trim()) return unwrap(one);
  one.removeAttribute("title");
  one.setAttribute("href", href);
  return undefined;
}

// Word's lists are paragraphs with a style "mso-list:l0 level1 lfo1" and their bullet as text.
function wordLists(body) {
  let lists = [];
  for (const one of [...body.querySelectorAll("p, h1, h2, h3")]) {
    const level = Number(/mso-list\s*:\s*l\d+\s+level(\d+)/i.exec(styleOf(one))?.[1] ?? 0);
    if (!level) {
      lists = [];
      continue;
    }
    const marks = [...one.querySelectorAll("[data-style]")].filter((span) => /mso-list\s*:\s*ignore/i.test(styleOf(span)));
    const said = marks.map((span) => span.textContent).join("").replace(/\s/g, "");
    for (const span of marks) span.remove();
    const ordered = /^\(?(\d+|[a-z]{1,4})[.)]$/i.test(said) && said !== "o";
    if (lists.length && one.previousElementSibling !== lists[0]) lists = [];
    lists.length = Math.min(lists.length, level);
    while (lists.length < level) {
      const list = one.ownerDocument.createElement(ordered ? "ol" : "ul");
      const above = lists.at(-1);
      if (!above) one.before(list);
      else (above.lastElementChild ?? above.appendChild(one.ownerDocument.createElement("li"))).append(list);
      lists.push(list);
    }
    const item = one.ownerDocument.createElement("li");
    item.append(...one.childNodes);
    lists.at(-1).append(item);
    one.remove();
  }
}

// No-break blanks that programs put for layout, and signs of no width.
function texts(body) {
  const walker = body.ownerDocument.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) walker.currentNode.data = walker.currentNode.data.replace(/\u00a0/g, " ").replace(/[\u200b\ufeff\u00ad]/g, "");
}
