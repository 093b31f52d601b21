// What a search's pictures have in common: how many were taken in which year, lie in which folder,
// bear which tag, come from which camera; and which pictures do. The counts are the engine's.
"use strict";

(() => {
  const MOST = 20; // values of each that are told

  /** @param {number} order in seconds since 1970 */
  const yearOf = (order) => String(new Date(order * 1000).getUTCFullYear());

  /**
   * Walk through all pictures of the index with their values.
   * @param {Postings} index
   * @param {Facet[]} wanted
   * @param {(facet: Facet, id: number, values: string[]) => void} tell
   */
  async function walk(index, wanted, tell) {
    const [facts, values, years] = await Promise.all([
      wanted.some((facet) => facet !== "tag") ? index.facts() : [],
      wanted.includes("tag") ? index.values() : [],
      wanted.includes("year") ? index.byTime(yearOf).then(({ of }) => of) : () => undefined,
    ]);
    for (const { ids, folder, camera } of facts) {
      ids.forEach((id, at) => {
        for (const facet of wanted) {
          if (facet === "year") {
            const year = years(id);
            tell(facet, id, year ? [year] : []);
          } else if (facet !== "tag") {
            const { sets, of } = facet === "folder" ? folder : camera;
            tell(facet, id, sets[of[at]]);
          }
        }
      });
    }
    for (const { ids, values: tags, of } of values) {
      ids.forEach((id, at) => tell("tag", id, of[at].map((number) => tags[number])));
    }
  }

  /**
   * The pictures that have all of some values.
   * @param {Postings} index
   * @param {Filter[]} filters
   * @returns {Promise<Set<number>>}
   */
  async function matching(index, filters) {
    /** @type {Map<number, number>} */
    const had = new Map();
    await walk(index, [...new Set(filters.map(({ facet }) => facet))], (facet, id, values) => {
      for (const filter of filters) {
        if (filter.facet === facet && values.includes(filter.value)) {
          had.set(id, (had.get(id) ?? 0) + 1);
        }
      }
    });
    return new Set([...had.keys()].filter((id) => had.get(id) === filters.length));
  }

  /**
   * How many of some pictures have which values, the most frequent first.
   * @param {Postings} index
   * @param {Set<number>} ids
   * @returns {Promise<Record<Facet, [value: string, count: number][]>>}
   */
  async function count(index, ids) {
    /** @type {Record<Facet, Map<string, number>>} */
    const counts = { year: new Map(), folder: new Map(), tag: new Map(), camera: new Map() };
    await walk(index, ["year", "folder", "tag", "camera"], (facet, id, values) => {
      if (ids.has(id)) {
        for (const value of values) {
          counts[facet].set(value, (counts[facet].get(value) ?? 0) + 1);
        }
      }
    });
    /** @param {Map<string, number>} of */
    const most = (of) => [...of].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, MOST);
    return { year: most(counts.year), folder: most(counts.folder), tag: most(counts.tag), camera: most(counts.camera) };
  }

  /**
   * What narrows a search: how many pictures it finds, and the values of these. What they are worth does not matter.
   * @param {Postings} index
   * @param {string} text
   * @param {SearchOptions} [options]
   */
  async function of(index, text, options) {
    const { hits } = await globalThis.Picturerail.search(index, text, { ...options, sort: "none" });
    return { total: hits.length, counts: await count(index, new Set(hits.map(({ id }) => id))) };
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Facets: { matching, of } });
})();
