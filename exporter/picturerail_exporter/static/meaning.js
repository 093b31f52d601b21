// The pictures nearest in meaning to a query, after those that bear its words: found when the site was
// made, for each word of a vocabulary by itself. Of several words those pictures are nearest whose
// similarities add up to the most. A query that demands or excludes something is answered by words
// alone.
"use strict";

(() => {
  const { analyseQuery: analyse } = globalThis.Picturerail;
  const FARTHEST = 0.8; // of the nearest's similarity
  const DEMANDS = /["*:()]|\.\.|(?:^|\s)-/;

  /**
   * @param {Postings} index
   * @param {string} text
   * @param {Set<number>} seen documents that the words found
   * @param {number} most
   * @returns {Promise<Near[]>} the nearest first
   */
  async function nearest(index, text, seen, most) {
    const terms = [...new Set(analyse(text.replace(/\bOR\b/g, " ")))];
    const telling = terms.filter((term) => !index.language.isStopWord(term));
    const words = telling.length ? telling : terms;
    if (most <= 0 || !words.length || DEMANDS.test(text)) {
      return [];
    }
    const known = (await Promise.all(words.map((word) => index.meaning(word)))).filter((spaces) => spaces.length);
    /** @type {Near[]} */
    const found = [];
    const taken = new Set(seen);
    // The spaces by how much they know of pictures, the best first.
    for (let space = 0; space < Math.max(0, ...known.map((spaces) => spaces.length)); space++) {
      /** @type {Map<number, number>} */
      const sums = new Map();
      for (const { id, similarity } of known.flatMap((spaces) => spaces[space] ?? [])) {
        sums.set(id, (sums.get(id) ?? 0) + similarity / known.length);
      }
      const near = [...sums].filter(([id]) => !taken.has(id)).sort(([a, x], [b, y]) => y - x || a - b);
      for (const [id, similarity] of near) {
        if (found.length < most && similarity >= FARTHEST * near[0][1]) {
          taken.add(id);
          found.push({ id, similarity });
        }
      }
    }
    return found;
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { nearest });
})();
