// What a word is worth to a picture, by the way in which the picture has it.
//
// The worth is the engine's: BM25F (Zaragoza and others, "Microsoft Cambridge at TREC-13", 2004),
// saturated to s in 0..1, and by the nearest way in which a picture has the word: 0.25 + (k1 + 1) s
// for the word itself, 0.2 + (k1 + 1) s for another form of it, whose weight counts 0.7;
// 0.1 + 0.1 s for a word that it begins; 0.1 + 0.06 s or 0.04 s for one an edit or two away; for a tag
// that it is near 0.1 (0.8 + 0.2 s) times the similarity. A phrase is worth what its words are.
"use strict";

(() => {
  const K1 = 2;
  const B = 0.75;
  const FORM_SHARE = 0.7;

  /**
   * @param {List} list
   * @param {number} weight
   */
  function worth(list, weight) {
    const s = weight / (K1 + weight);
    switch (list.via) {
      case "form": {
        const less = FORM_SHARE * weight;
        return 0.2 + ((K1 + 1) * less) / (K1 + less);
      }
      case "prefix":
        return 0.1 + 0.1 * s;
      case "typo":
        return 0.1 + (list.edits === 1 ? 0.06 : 0.04) * s;
      case "neighbour":
        return 0.1 * list.similarity * (0.8 + 0.2 * s);
      default:
        return 0.25 + (K1 + 1) * s;
    }
  }

  /**
   * @param {Known} one
   * @param {Known | undefined} than
   */
  const isNearer = (one, than) =>
    !than || one.worth > than.worth || (one.worth === than.worth && one.list.number < than.list.number);

  /**
   * @param {Postings} index
   * @param {FieldUse[]} uses
   * @param {string} only the field that counts; empty: all
   */
  function weightOf(index, uses, only) {
    let sum = 0;
    for (const { field, times, words } of uses) {
      const { name, weight, average } = index.fields[field];
      if (!only || only === name) {
        sum += (times * weight) / (1 - B + B * (words / average));
      }
    }
    return sum;
  }

  /**
   * The inverse document frequency of a word.
   * @param {number} documents
   * @param {number} having how many of them have it
   */
  const idfOf = (documents, having) => Math.log1p((documents - having + 0.5) / (having + 0.5));

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { idfOf, isNearer, weightOf, worth });
})();
