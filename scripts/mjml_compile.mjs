// Compiles MJML with the npm package mjml: a JSON list of sources comes in, a JSON list of pages goes out. For
// tests/compose/mjml/test_reference.py, which holds our compiler's output against it:
//
//   cd DIR && npm install mjml@4.18.0 && pytest tests/compose/mjml/test_reference.py --npm-mjml DIR
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(process.cwd() + "/");
const mjml2html = require("mjml");
const sources = JSON.parse(readFileSync(0, "utf-8"));
const pages = sources.map((source) => mjml2html(source, { fonts: {}, validationLevel: "strict" }).html);
console.log(JSON.stringify(pages));
