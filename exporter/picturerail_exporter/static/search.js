// Searching the index: which pictures match a query, in which order, and why. No page here.
//
// Words must all match; where no picture bears all of them, any is enough. A word also matches
// words that it begins, and tags that it is near to. "Quoted words" stand side by side.
//
// The scores are the engine's: BM25F (Zaragoza and others, "Microsoft Cambridge at TREC-13",
// 2004), saturated to s in 0..1, and for each word of the query its idf times a worth by the
// nearest way in which a picture has it: 0.25 + (k1 + 1) s for the word itself or a phrase,
// 0.2 + (k1 + 1) s for another form of it, whose weight counts 0.7; 0.1 + 0.1 s for a word that it
// begins, and for a tag that it is near 0.1 (0.8 + 0.2 s) times the similarity.
// The idf is that of all pictures that have the word or a form of it, or of the nearest way that
// any picture has. Words that say little need not be there and count a quarter beside others.
// Words that stand near each other add 0.6 times the lesser idf, divided by how far apart they are.
// Ties: the newer picture first.
"use strict";

(() => {
  const { analyseQuery: analyse, isStopWord } = globalThis.Picturerail;
  const K1 = 2;
  const B = 0.75;
  const FORM_SHARE = 0.7;
  const STOP_SHARE = 0.25;
  const NEAR_SHARE = 0.6;
  const FARTHEST = 4;
  const WAYS = ["exact", "phrase", "form", "prefix", "neighbour"]; // the nearest first

  /**
   * Cut a query into words and phrases. A quotation mark that is never closed quotes to the end.
   * @param {string} query
   * @returns {Clause[]}
   */
  function parse(query) {
    /** @type {Clause[]} */
    const clauses = [];
    query.split('"').forEach((part, at) => {
      if (at % 2) {
        const words = analyse(part);
        if (words.length) {
          clauses.push({ words, phrase: true, near: [], stop: false });
        }
        return;
      }
      for (const chunk of part.split(/\s+/)) {
        const words = analyse(chunk);
        // "t-shirt" is two words, and may be one neighbour.
        const whole = words.length > 1 ? [words.join(" ")] : [];
        for (const word of words) {
          const near = [word, ...whole];
          clauses.push({ words: [word], phrase: false, near, stop: isStopWord(word) });
        }
      }
    });
    // Words that say little count as others do where there are no others.
    if (clauses.every(({ stop }) => stop)) {
      clauses.forEach((clause) => (clause.stop = false));
    }
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
    const needed = found.filter((_, at) => !clauses[at].stop);
    const fewest = needed.reduce((a, b) => (b.ways.size < a.ways.size ? b : a)).ways;
    let ids = [...fewest.keys()].filter((id) => needed.every(({ ways }) => ways.has(id)));
    const relaxed = !ids.length && needed.some(({ ways }) => ways.size > 0) && needed.length > 1;
    if (relaxed) {
      ids = [...new Set(needed.flatMap(({ ways }) => [...ways.keys()]))];
    }
    const words = needed.filter(({ phrase }) => !phrase);
    const hits = ids.map((id) => {
      const matches = found.flatMap(({ ways }) => ways.get(id) ?? []);
      const parts = [...needed, ...found.filter((one) => !needed.includes(one))];
      const sum = parts.reduce((total, { ways }) => total + (ways.get(id)?.score ?? 0), 0);
      return { id, score: Math.fround(sum + nearness(words, id)), matches };
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
    const clause = { words, phrase: true, near: [], stop: false };
    const ways = words.length ? (await findPhrase(index, clause)).ways : new Map();
    const shown = await index.shown([...ways.keys()]);
    const hits = [...ways]
      .filter(([id]) => shown.get(id)?.filename === filename)
      .map(([id, way]) => ({ id, score: 0, matches: [{ ...way, word: filename }] }));
    await sortBest(index, hits);
    return { hits, relaxed: false };
  }

  /**
   * @param {Postings} index
   * @param {Clause} clause
   * @returns {Promise<FoundWord>}
   */
  async function findWord(index, clause) {
    const [word] = clause.words;
    const [terms, forms, ...near] = await Promise.all([
      index.beginningWith(word),
      index.forms(word),
      ...clause.near.map((key) => index.nearTags(key)),
    ]);
    /** @type {Candidate[]} */
    const candidates = [];
    /** @type {Occurrences[][]} */
    const texts = [];
    for (const term of [...forms, ...terms]) {
      const isForm = forms.some((form) => form.term === term.term);
      const via = isForm ? "form" : term.term === word ? "exact" : "prefix";
      if (candidates.some((candidate) => candidate.word === term.term)) {
        continue; // it is a form, and begins with the word too
      }
      const fields = occurrences(term);
      if (via !== "prefix") {
        texts.push(fields);
      }
      const share = via === "form" ? FORM_SHARE : 1;
      const candidate = { via, word: term.term, similarity: 1, saturated: saturated(index, fields, share) };
      candidates.push(/** @type {Candidate} */ (candidate));
    }
    const tags = index.fields.findIndex(([name]) => name === "tags");
    for (const { name, similarity, lengths } of near.flat()) {
      /** @type {Map<number, number>} */
      const worths = new Map();
      lengths.forEach((length, id) => worths.set(id, saturate(weighted(index, tags, length, 1))));
      candidates.push({ via: "neighbour", word: name, similarity, saturated: worths });
    }
    return best(index, clause, word, candidates, texts);
  }

  /**
   * @param {Postings} index
   * @param {Clause} clause
   * @returns {Promise<FoundWord>}
   */
  async function findPhrase(index, clause) {
    const terms = await Promise.all(clause.words.map((word) => index.term(word)));
    if (terms.some((term) => !term)) {
      return { ways: new Map(), idf: 0, texts: [], phrase: true };
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
    /** @type {Candidate} */
    const candidate = { via: "phrase", word, similarity: 1, saturated: saturated(index, together, 1) };
    return best(index, clause, word, [candidate], []);
  }

  /**
   * Of all ways to match a word take each picture's best.
   * @param {Postings} index
   * @param {Clause} clause
   * @param {string} query
   * @param {Candidate[]} candidates
   * @param {Occurrences[][]} texts where the word and its forms stand, by form and field
   * @returns {FoundWord}
   */
  function best(index, clause, query, candidates, texts) {
    const some = candidates.filter((candidate) => candidate.saturated.size);
    const nearest = Math.min(...some.map((candidate) => WAYS.indexOf(candidate.via)));
    const counts = some.map(({ via, saturated: { size } }) => (via === WAYS[nearest] ? size : 0));
    const bearing = new Set();
    for (const { via, saturated: of } of some) {
      if (WAYS.indexOf(via) <= WAYS.indexOf("form")) {
        of.forEach((_, id) => bearing.add(id));
      }
    }
    const most = bearing.size || Math.max(0, ...counts);
    const share = clause.stop ? STOP_SHARE : 1;
    const idf = share * Math.log1p((index.documents - most + 0.5) / (most + 0.5));
    /** @type {Map<number, Way>} */
    const ways = new Map();
    for (const { via, word, similarity, saturated: of } of some) {
      of.forEach((s, id) => {
        const score = idf * worth(via, s, similarity);
        const held = ways.get(id);
        if (!held || score > held.score) {
          ways.set(id, { query, word, via, similarity, score, tags: [] });
        }
      });
    }
    nameTags(ways, some);
    return { ways, idf, texts, phrase: clause.phrase };
  }

  /**
   * Where a tag led to a picture, name all of its tags that would have, the nearest first.
   * @param {Map<number, Way>} ways
   * @param {Candidate[]} candidates
   */
  function nameTags(ways, candidates) {
    const near = candidates.filter(({ via }) => via === "neighbour");
    near.sort((a, b) => b.similarity - a.similarity);
    for (const [id, way] of ways) {
      if (way.via === "neighbour") {
        way.tags = near.filter(({ saturated: of }) => of.has(id)).map(({ word }) => word);
      }
    }
  }

  /**
   * @param {Way["via"]} via
   * @param {number} s
   * @param {number} similarity
   */
  function worth(via, s, similarity) {
    if (via === "prefix") {
      return 0.1 + 0.1 * s;
    }
    if (via === "neighbour") {
      return 0.1 * similarity * (0.8 + 0.2 * s);
    }
    return (via === "form" ? 0.2 : 0.25) + (K1 + 1) * s;
  }

  /**
   * What the nearness of words that follow one another in the query adds to a picture's score.
   * @param {FoundWord[]} words
   * @param {number} id
   */
  function nearness(words, id) {
    let sum = 0;
    words.slice(1).forEach((word, at) => {
      let nearest = FARTHEST + 1;
      for (const left of words[at].texts) {
        for (const right of word.texts) {
          left.forEach((documents, field) => {
            const others = right[field]?.get(id)?.positions ?? [];
            for (const position of documents.get(id)?.positions ?? []) {
              for (const other of others) {
                nearest = Math.min(nearest, Math.abs(other - position) || nearest);
              }
            }
          });
        }
      }
      if (nearest <= FARTHEST) {
        sum += (NEAR_SHARE * Math.min(words[at].idf, word.idf)) / nearest;
      }
    });
    return sum;
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
   * What `count` times in a field of this length add to a document's weight.
   * @param {Postings} index
   * @param {number} field
   * @param {number} length
   * @param {number} count
   */
  function weighted(index, field, length, count) {
    const [, weight, average] = index.fields[field];
    return (weight * count) / (1 - B + (B * length) / average);
  }

  /** @param {number} weight */
  function saturate(weight) {
    return weight / (K1 + weight);
  }

  /**
   * How much a word or phrase stands in each document, over all fields.
   * @param {Postings} index
   * @param {Occurrences[]} fields
   * @param {number} share what their weight counts
   * @returns {Map<number, number>}
   */
  function saturated(index, fields, share) {
    /** @type {Map<number, number>} */
    const sums = new Map();
    fields.forEach((documents, field) => {
      for (const [id, { length, positions }] of documents) {
        const part = weighted(index, field, length, positions.length);
        sums.set(id, (sums.get(id) ?? 0) + part);
      }
    });
    sums.forEach((sum, id) => sums.set(id, saturate(share * sum)));
    return sums;
  }

  /**
   * Sort hits, the best first; only ties cost the reading of when pictures were taken.
   * @param {Postings} index
   * @param {Hit[]} hits
   */
  async function sortBest(index, hits) {
    /** @type {(a: Hit, b: Hit) => number} */
    const byScore = (a, b) => b.score - a.score;
    hits.sort(byScore);
    /** @param {number} at */
    const tiesWith = (at) => hits[at] && hits[at + 1] && byScore(hits[at], hits[at + 1]) === 0;
    const tied = hits.filter((_, at) => tiesWith(at) || tiesWith(at - 1));
    if (tied.length) {
      const orders = await index.orders(tied.map((hit) => hit.id));
      /** @param {Hit} hit */
      const order = (hit) => orders.get(hit.id) ?? 0;
      hits.sort((a, b) => byScore(a, b) || order(b) - order(a) || a.id - b.id);
    }
  }

  Object.assign(globalThis.Picturerail, { parse, search, searchName });
})();
