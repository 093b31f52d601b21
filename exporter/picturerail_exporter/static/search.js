// Searching the index: which pictures match a query, in which order, and why. No page here.
//
// Words must all match; where no picture bears all of them, any is enough. A word also matches
// words that it begins, and tags that it is near to. "Quoted words" stand side by side. What
// bears the words themselves comes before what matches by a beginning, and that before what
// matches by nearness; within these, BM25 over the fields (Robertson and Zaragoza, "The
// Probabilistic Relevance Framework", 2009) decides, and then the newer picture.
"use strict";

(() => {
  const { analyse } = globalThis.Picturerail;
  const K1 = 1.2;
  const B = 0.75;
  const TIERS = { exact: 3, phrase: 3, prefix: 2, neighbour: 1 };

  /**
   * Cut a query into words and phrases.
   * @param {string} query
   * @returns {Clause[]}
   */
  function parse(query) {
    /** @type {Clause[]} */
    const clauses = [];
    query.split('"').forEach((part, at) => {
      const words = analyse(part);
      if (at % 2 && words.length) {
        clauses.push({ words, phrase: true });
      } else {
        words.forEach((word) => clauses.push({ words: [word], phrase: false }));
      }
    });
    return clauses;
  }

  /**
   * Find pictures.
   * @param {Postings} index
   * @param {string} query
   * @returns {Promise<Found>}
   */
  async function search(index, query) {
    const clauses = parse(query);
    const found = await Promise.all(
      clauses.map((clause) => (clause.phrase ? findPhrase : findWord)(index, clause)),
    );
    if (!found.length) {
      return { hits: [], relaxed: false };
    }
    const fewest = found.reduce((a, b) => (b.size < a.size ? b : a));
    let ids = [...fewest.keys()].filter((id) => found.every((ways) => ways.has(id)));
    const relaxed = !ids.length && found.some((ways) => ways.size > 0) && found.length > 1;
    if (relaxed) {
      ids = [...new Set(found.flatMap((ways) => [...ways.keys()]))];
    }
    const hits = ids.map((id) => {
      const matches = found.flatMap((ways) => ways.get(id) ?? []);
      return {
        id,
        tier: matches.reduce((sum, way) => sum + TIERS[way.via], 0),
        score: matches.reduce((sum, way) => sum + way.score, 0),
        matches,
      };
    });
    await sortBest(index, hits);
    return { hits, relaxed };
  }

  /**
   * Find the pictures of exactly this filename.
   * @param {Postings} index
   * @param {string} filename
   * @returns {Promise<Found>}
   */
  async function searchName(index, filename) {
    const words = analyse(filename);
    const ways = words.length ? await findPhrase(index, { words, phrase: true }) : new Map();
    const shown = await index.shown([...ways.keys()]);
    const hits = [...ways]
      .filter(([id]) => shown.get(id)?.filename === filename)
      .map(([id, way]) => ({ id, tier: 0, score: 0, matches: [{ ...way, word: filename }] }));
    await sortBest(index, hits);
    return { hits, relaxed: false };
  }

  /**
   * @param {Postings} index
   * @param {Clause} clause
   * @returns {Promise<Map<number, Way>>}
   */
  async function findWord(index, clause) {
    const [word] = clause.words;
    const [terms, tags] = await Promise.all([index.beginningWith(word), index.nearTags(word)]);
    /** @type {Map<number, Way>} */
    const ways = new Map();
    for (const term of terms) {
      const via = term.term === word ? "exact" : "prefix";
      for (const [id, score] of scores(index, occurrences(term))) {
        keepBetter(ways, id, { query: word, word: term.term, via, similarity: 1, score });
      }
    }
    for (const tag of tags) {
      for (const id of tag.documents) {
        const score = tag.similarity;
        const { name, similarity } = tag;
        keepBetter(ways, id, { query: word, word: name, via: "neighbour", similarity, score });
      }
    }
    return ways;
  }

  /**
   * @param {Postings} index
   * @param {Clause} clause
   * @returns {Promise<Map<number, Way>>}
   */
  async function findPhrase(index, clause) {
    const terms = await Promise.all(clause.words.map((word) => index.term(word)));
    /** @type {Map<number, Way>} */
    const ways = new Map();
    if (terms.some((term) => !term)) {
      return ways;
    }
    let together = occurrences(/** @type {Term} */ (terms[0]));
    terms.slice(1).forEach((term, at) => {
      const next = occurrences(/** @type {Term} */ (term));
      together = together.map((documents, field) => {
        /** @type {Occurrences} */
        const kept = new Map();
        for (const [id, { length, positions }] of documents) {
          const following = new Set(next[field]?.get(id)?.positions);
          const side = positions.filter((position) => following.has(position + at + 1));
          if (side.length) {
            kept.set(id, { length, positions: side });
          }
        }
        return kept;
      });
    });
    const word = clause.words.join(" ");
    for (const [id, score] of scores(index, together)) {
      ways.set(id, { query: word, word, via: "phrase", similarity: 1, score });
    }
    return ways;
  }

  /**
   * Unpack a term's postings, field by field; a field without the term is empty.
   * @param {Term} term
   * @returns {Occurrences[]}
   */
  function occurrences(term) {
    /** @type {Occurrences[]} */
    const fields = [];
    for (const [field, numbers] of term.fields) {
      /** @type {Occurrences} */
      const documents = new Map();
      let id = 0;
      for (let at = 0; at < numbers.length; ) {
        id += numbers[at];
        const length = numbers[at + 1];
        const end = at + 3 + numbers[at + 2];
        let position = 0;
        const positions = numbers.slice(at + 3, end).map((step) => (position += step));
        documents.set(id, { length, positions });
        at = end;
      }
      fields[field] = documents;
    }
    return Array.from(fields, (documents) => documents ?? new Map());
  }

  /**
   * BM25 of a word or phrase in each document, its fields weighed and added.
   * @param {Postings} index
   * @param {Occurrences[]} fields
   * @returns {Map<number, number>}
   */
  function scores(index, fields) {
    /** @type {Map<number, number>} */
    const sums = new Map();
    fields.forEach((documents, field) => {
      const [, weight, average] = index.fields[field];
      for (const [id, { length, positions }] of documents) {
        const count = positions.length;
        const norm = K1 * (1 - B + (B * length) / (average || 1));
        const part = (weight * count * (K1 + 1)) / (count + norm);
        sums.set(id, (sums.get(id) ?? 0) + part);
      }
    });
    const rarity = Math.log(1 + (index.documents - sums.size + 0.5) / (sums.size + 0.5));
    sums.forEach((sum, id) => sums.set(id, sum * rarity));
    return sums;
  }

  /**
   * @param {Map<number, Way>} ways
   * @param {number} id
   * @param {Way} way
   */
  function keepBetter(ways, id, way) {
    const held = ways.get(id);
    const better = held && (TIERS[way.via] - TIERS[held.via] || way.score - held.score);
    if (better === undefined || better > 0) {
      ways.set(id, way);
    }
  }

  /**
   * Sort hits, the best first; only ties cost the reading of when pictures were taken.
   * @param {Postings} index
   * @param {Hit[]} hits
   */
  async function sortBest(index, hits) {
    /** @type {(a: Hit, b: Hit) => number} */
    const byScore = (a, b) => b.tier - a.tier || b.score - a.score;
    hits.sort(byScore);
    /** @param {number} at */
    const tiesWith = (at) => hits[at] && hits[at + 1] && byScore(hits[at], hits[at + 1]) === 0;
    const tied = hits.filter((_, at) => tiesWith(at) || tiesWith(at - 1));
    if (tied.length) {
      const orders = await index.orders(tied.map((hit) => hit.id));
      /** @param {Hit} hit */
      const order = (hit) => orders.get(hit.id) ?? 0;
      hits.sort((a, b) => byScore(a, b) || order(b) - order(a) || b.id - a.id);
    }
  }

  Object.assign(globalThis.Picturerail, { parse, search, searchName });
})();
