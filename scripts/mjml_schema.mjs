// Makes mailer/compose/schema.json: which MJML tags there are, what each may contain, and the type of each
// attribute, as the npm package mjml declares them. Needed only when MJML gains components:
//
//   cd "$(mktemp -d)" && npm install mjml@4.18.0 && node REPOSITORY/scripts/mjml_schema.mjs > REPOSITORY/mailer/compose/schema.json
//   cp node_modules/mjml/LICENSE.md REPOSITORY/mailer/compose/schema.LICENSE
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const { components, dependencies } = require("mjml-preset-core");
const { version } = require("mjml/package.json");

const tags = {};
for (const [name, children] of Object.entries(dependencies)) {
  tags[name] = { attributes: {}, children: children.filter((child) => typeof child === "string").sort() };
}
for (const component of components) {
  const name = component.componentName;
  tags[name] ??= { attributes: {}, children: [] };
  tags[name].attributes = Object.fromEntries(
    Object.entries(component.allowedAttributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  if (component.endingTag) tags[name].ending = true; // its content is HTML
}
// mjml itself and what the parser knows have no component of their own.
Object.assign(tags.mjml.attributes, { dir: "string", lang: "string", owa: "string" });

const colours = require("mjml-core/lib/types/helpers/colors.js");
const sorted = Object.fromEntries(Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1)));
const rows = Object.entries(sorted).map(([name, tag]) => `    ${JSON.stringify(name)}: ${JSON.stringify(tag)}`);
console.log(`{
  "source": "npm package mjml ${version}, MIT licence (schema.LICENSE), made by scripts/mjml_schema.mjs",
  "colours": ${JSON.stringify((colours.default ?? colours).sort())},
  "tags": {
${rows.join(",\n")}
  }
}`);
