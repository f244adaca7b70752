// Merge tags and conditions in words, so that nobody needs to know their notation.

const STRING = /^(["'])(.*)\1$/;
const FILTERS = { upper: "in capitals", lower: "in small letters", title: "Capitalised" };

/** {name, words, fallback, known} of the inside of a {{ tag }}; `known` is false for what `tags` doesn't list. */
export function tagWords(inside, { tags = [], labels }) {
  const [name, ...filters] = inside.trim().split(/\s*\|\s*/);
  const listed = tags.find((tag) => tag.tag === name);
  const plain = listed?.words ?? name.replace(/^(supporter|organisation|list|action|campaign)\./, "").replace(/_/g, " ");
  let fallback = null;
  const more = [];
  for (const filter of filters) {
    const given = /^default\(\s*(["'])(.*?)\1\s*(?:,.*)?\)$/.exec(filter);
    if (given) fallback = given[2];
    else if (FILTERS[filter]) more.push(FILTERS[filter]);
  }
  const words = [plain, ...more].join(", ") + (fallback ? labels.orElse(fallback) : "");
  return { name, words, fallback, known: Boolean(listed) };
}

/** What `{% if expression %}` means, as in "people in the United Kingdom"; the expression itself where it is a long one. */
export function conditionWords(expression, { conditions = [], language = "en", tags = [] }) {
  const known = conditions.find((condition) => condition.expression === expression);
  if (known?.words) return { words: known.words, count: known.count, of: known.of };
  const parts = expression.split(/\s+(and|or)\s+/).map((part, at) => (at % 2 ? part : oneTest(part, language, tags)));
  const words = parts.includes(null) ? null : parts.join(" ").replace(/ (and|or) people (who )?/g, " $1 $2");
  return { words: words ?? `people with ${expression}`, count: known?.count, of: known?.of };
}

function oneTest(text, language, tags) {
  const match = /^(not\s+)?supporter(?:\.(\w+)|\[(["'])(.*?)\3\])\s*(?:(==|!=|<=|>=|<|>|not in|in)\s*(.+))?$/.exec(text.trim());
  if (!match) return null;
  const [, not, dotted, , bracketed, operator, value] = match;
  const field = dotted ?? bracketed;
  const name = tags.find((tag) => tag.tag === `supporter.${field}`)?.words ?? field.replace(/_/g, " ");
  if (!operator) return not ? `people whose ${name} isn’t known` : `people whose ${name} is known`;
  if (not) return null;
  const values = operator.endsWith("in") ? listOf(value) : [value];
  if (!values) return null;
  const said = either(values.map((one) => valueWords(field, one.trim().replace(STRING, "$2"), language)), language);
  const negated = operator === "!=" || operator === "not in";
  if (operator === "==" || operator === "in" || negated) {
    if (field === "country") return `people ${negated ? "outside" : "in"} ${said}`;
    if (field === "language") return `people who ${negated ? "don’t read" : "read"} ${said}`;
    return `people whose ${name} ${negated ? "isn’t" : "is"} ${said}`;
  }
  const than = { "<": "below", "<=": "at most", ">": "above", ">=": "at least" }[operator];
  return `people whose ${name} is ${than} ${said}`;
}

function listOf(value) {
  const inside = /^\[(.*)\]$/.exec(value.trim());
  return inside ? inside[1].split(",").filter((one) => one.trim()) : null;
}

function valueWords(field, value, language) {
  const type = { country: "region", language: "language" }[field];
  if (!type || !/^[A-Za-z]{2,3}$/.test(value)) return `“${value}”`;
  try {
    const found = new Intl.DisplayNames([language, "en"], { type }).of(type === "region" ? value.toUpperCase() : value);
    return ["GB", "US", "NL", "AE", "PH", "CZ"].includes(value) && language.startsWith("en") ? `the ${found}`.replace("the Czechia", "Czechia") : found;
  } catch {
    return `“${value}”`;
  }
}

const either = (words, language) => new Intl.ListFormat(language, { type: "disjunction" }).format(words);
