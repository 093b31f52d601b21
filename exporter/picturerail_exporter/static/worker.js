// Answers a page's questions from the index, beside the page, so that typing never waits for it.
// On the site this is the end of one script, `search.js`, with all that searches (THEMES.md).
"use strict";

(() => {
  const { Postings, search, searchName, complete, withScript } = globalThis.Picturerail;
  const MANY = 5000; // pictures; of more not all hits are looked for
  const FEW_FILES = 2;
  const site = new URL("../", location.href);

  /** @type {Promise<Postings> | undefined} */
  let opening;
  let newest = 0; // searches are numbered; an older one ends where it is

  /** @type {LoadBytes} */
  async function load(name) {
    const fixed = name === "root.bin"; // the others are named by their content
    const answer = await fetch(new URL(`search/${name}`, site), { cache: fixed ? "no-cache" : "default" });
    if (!answer.ok) {
      throw new Error(`${name}: ${answer.status}`);
    }
    return new Uint8Array(await answer.arrayBuffer());
  }

  function open() {
    opening ??= Postings.open(load);
    opening.catch(() => (opening = undefined)); // the next question tries again
    return opening;
  }

  /**
   * @param {Asked} asked
   * @param {number} limit
   */
  async function find(asked, limit) {
    const index = await open();
    const { name, words, sort, filters } = asked;
    const number = newest;
    const superseded = () => number !== newest;
    return name ? searchName(index, name) : search(index, words, { limit, sort, filters, superseded });
  }

  /**
   * Some of what is found, with what it looks like, and what is said of it where that costs little.
   * @param {Asked} asked
   * @param {number} from
   * @param {number} count of many pictures
   * @param {number} most
   * @returns {Promise<Page>}
   */
  async function page(asked, from, count, most) {
    newest++;
    const index = await open();
    const many = index.documents > MANY;
    const found = await find(asked, many ? from + count : Infinity);
    const hits = found.hits.slice(from, from + (many ? count : most));
    const ids = hits.map(({ id }) => id);
    const cheap = (await index.missing("pictures", ids)) <= FEW_FILES;
    const [looks, told] = await Promise.all([
      index.looks(hits.filter(({ look }) => !look).map(({ id }) => id)),
      index.pictures(cheap ? ids : []),
    ]);
    /** @param {Hit} hit */
    const shown = ({ id, look = looks.get(id) }) => look && { ...look, ...told.get(id) };
    return {
      ...found,
      ending: index.root.ending,
      damaged: index.problems.size > 0,
      more: !found.all || found.hits.length > from + hits.length,
      hits: hits.map((hit) => ({ ...hit, look: shown(hit) })),
    };
  }

  /** @type {Record<string, (...parts: any[]) => Promise<unknown>>} */
  const ANSWERS = {
    page,
    open: async () => void (await open()),
    /** @param {number} id */
    alt: async (id) => (await (await open()).pictures([id])).get(id)?.alt,
    /** @param {Asked} asked */
    facets: async ({ words, filters }) => {
      const number = newest;
      return withScript("facets.js", "Facets").Facets.of(await open(), words, { filters, superseded: () => number !== newest });
    },
    /** @param {string} text */
    complete: async (text) => complete(await open(), text),
  };

  addEventListener("message", async ({ data: { number, what, parts } }) => {
    try {
      postMessage({ number, answer: await ANSWERS[what](...parts) });
    } catch (error) {
      postMessage({ number, error: String(error) });
    }
  });
})();
