// Runs the site's own search in Node: node search_in_node.js SITE SCRIPT ... <tasks.json
"use strict";
const fs = require("fs");
const vm = require("vm");
const [site, ...scripts] = process.argv.slice(2);
for (const script of scripts) {
  vm.runInThisContext(fs.readFileSync(script, "utf8"), script);
}
const { analyse, languageOf, Postings, parse, search, searchName, Facets, complete } = globalThis.Picturerail;
const read = { files: 0, bytes: 0 };
const load = async (name) => {
  const data = fs.readFileSync(`${site}/search/${name}`);
  read.files += 1;
  read.bytes += data.length;
  return new Uint8Array(data);
};
const told = ({ look, ...hit }) => hit;
const tasks = JSON.parse(fs.readFileSync(0, "utf8"));

async function answer(index, what, text, options) {
  switch (what) {
    case "analyse":
      return analyse(text);
    case "stem":
      return languageOf(options ?? "english").stem(text);
    case "parse":
      return parse(text, [], languageOf("english"));
    case "name":
      return searchName(index, text);
    case "meaning":
      return index.meaning(text);
    case "complete":
      return complete(index, text);
    case "facets": {
      return (await Facets.of(index, text, options)).counts;
    }
    case "looks": {
      const { hits } = await search(index, text, options);
      const others = await index.looks(hits.filter(({ look }) => !look).map(({ id }) => id));
      return hits.map(({ id, look }) => [id, look ?? null, others.get(id) ?? null]);
    }
    case "pictures":
      return [...(await index.pictures(text))];
    default: {
      const found = await search(index, text, options ?? {});
      return { ...found, hits: found.hits.map(told) };
    }
  }
}

(async () => {
  let index = site && (await Postings.open(load));
  const answers = [];
  for (const [what, text, options] of tasks) {
    if (what === "fresh") {
      index = await Postings.open(load);
      Object.assign(read, { files: 0, bytes: 0 });
      answers.push(null);
      continue;
    }
    const start = performance.now();
    const got = await answer(index, what, text, options);
    if (options?.measure) {
      got.cost = { ...read, ms: performance.now() - start };
    }
    answers.push(got);
  }
  console.log(JSON.stringify({ answers, problems: index ? [...index.problems] : [] }));
})();
