// SPDX-License-Identifier: BSD-2-Clause
// Reads manifests as YAML on stdin, has kubernetes-models check each by the schema of its kind, and
// prints them as JSON. The schemas let fields pass that they do not know; TypeScript's types do not,
// so every manifest is also written as a constant of its type. usage: validate.mjs NODE_MODULES FILE.ts
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [modules, types] = process.argv.slice(2);
const require = createRequire(modules + "/");
const YAML = require("yaml");

function source(o) {
	const [group, version] = o.apiVersion.includes("/") ? o.apiVersion.split("/") : ["", o.apiVersion];
	const from = group.endsWith("coreos.com") ? "@kubernetes-models/prometheus-operator" : "kubernetes-models";
	return [from, group, version].filter(Boolean).join("/");
}

const found = YAML.parseAllDocuments(readFileSync(0, "utf8"), { version: "1.1" })
	.map((d) => { if (d.errors.length) throw d.errors[0]; return d.toJSON(); }).filter(Boolean);
let text = "";
for (const [i, o] of found.entries()) {
	const exported = await import(join(modules, source(o), "index.js"));
	const Model = exported[o.kind] ?? exported.default?.[o.kind];
	if (!Model) throw new Error(`${o.apiVersion} ${o.kind}: unknown kind`);
	new Model(o).validate();
	text += `import { I${o.kind} as T${i} } from ${JSON.stringify(source(o))};\nexport const m${i}: T${i} = ${JSON.stringify(o)};\n`;
}
writeFileSync(types, text);
console.log(JSON.stringify(found));
