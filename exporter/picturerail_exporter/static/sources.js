// What a word of a query means in an index: which terms match it, in which ways, and how much it weighs.
"use strict";

(() => {
  const { distance, idfOf, isText, Lists } = globalThis.Picturerail;
  /** @type {Via[]} */
  const WAYS = ["exact", "phrase", "form", "prefix", "typo", "neighbour"]; // the nearest first

  /** A word of the query, and what is known so far of where it stands. */
  class WordSource extends Lists {
    /**
     * Look up which terms there are.
     * @override
     */
    async open() {
      const { index, word } = this;
      const [text] = word.terms;
      const [beginning, stems, near] = await Promise.all([
        word.prefixes ? index.beginningWith(text) : index.term(text, "w").then((term) => (term ? [term] : [])),
        word.forms ? this._forms(text) : undefined,
        Promise.all(word.near.map((key) => index.nearTags(key))),
      ]);
      const forms = stems?.terms ?? [];
      forms.forEach((term) => this._add(term, "form"));
      for (const term of beginning) {
        if (!forms.some((form) => form.key === term.key)) {
          this._add(term, term.text === text ? "exact" : "prefix");
        }
      }
      this.tags = nearest(near.flat());
      if (word.typos && !this.lists.length) {
        await this._addTypos(text);
      }
      if (!this._nearestVia() && this.tags.length) {
        await this._resolve(this.tags.length);
      }
      const fields = this.lists.flatMap(({ term }) => term.bounds.flat()).map(({ field }) => index.fields[field].name);
      if (fields.every((field) => field === word.field)) {
        this.word = { ...word, field: "" }; // it stands in no other
      }
      if (this.word.field) {
        await this._readWhole(); // how many have it there is not written down
      }
      const bearing = this.word.field ? this._bearing() : (stems?.bearing ?? (await this._documents("exact")));
      this.bearing = bearing;
      this.reach = bearing || (await this._mostFrequent());
      this.idf = idfOf(index.documents, this.reach);
    }

    /** @param {string} text */
    async _forms(text) {
      const root = this.index.language.stem(text);
      const group = await this.index.wordsOf(root);
      const words = (group ?? [root]).filter((each) => each !== text);
      const terms = await Promise.all(words.map((each) => this.index.term(each, "w")));
      const found = /** @type {Term[]} */ (terms.filter(Boolean));
      // Of a stem that is written down nowhere its only word is the stem itself.
      const only = found.length ? this.index.count(found[0]) : undefined;
      return { terms: found, bearing: await (group && group.length > 1 ? this.index.bearing(root) : only) };
    }

    /** @param {string} text */
    async _addTypos(text) {
      const length = Array.from(text).length;
      const edits = length < 4 || /[0-9]/.test(text) ? 0 : length < 8 ? 1 : 2;
      const words = edits ? await this.index.spellings(length, edits) : [];
      const typos = words
        .map((each) => ({ word: each, edits: distance(text, each, edits) }))
        .filter((each) => each.edits <= edits);
      const terms = await Promise.all(typos.map((typo) => this.index.term(typo.word, "w")));
      const found = terms.flatMap((term, at) => (term ? [{ term, edits: typos[at].edits }] : []));
      found.sort((a, b) => (a.term.key < b.term.key ? -1 : 1));
      found.forEach(({ term, edits: apart }) => this._add(term, "typo", { edits: apart }));
    }

    /** @param {Via} via */
    async _documents(via) {
      const counts = this.lists.filter((list) => list.via === via).map((list) => this._count(list));
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    }

    /**
     * How many documents of a list have the word.
     * @param {List} list
     */
    async _count(list) {
      return this.word.field ? this._inField(list) : this.index.count(list.term);
    }

    /**
     * How many documents of a list that is read whole have the word in the field that is asked.
     * @param {List} list
     */
    _inField(list) {
      let count = 0;
      for (const part of list.parts) {
        const counts = part.classes.map((uses) => this.weight(uses) > 0);
        count += part.codes.reduce((sum, code) => sum + Number(counts[code]), 0);
      }
      return count;
    }

    _nearestVia() {
      return WAYS.find((via) => this.lists.some((list) => list.via === via && (!this.word.field || this._inField(list))));
    }

    /** How many documents have the word or a form of it in the field that is asked. */
    _bearing() {
      const bearing = new Set();
      for (const part of this.lists.filter(isText).flatMap(({ parts }) => parts)) {
        const counts = part.classes.map((uses) => this.weight(uses) > 0);
        part.codes.forEach((code, at) => counts[code] && bearing.add(part.ids[at]));
      }
      return bearing.size;
    }

    async _mostFrequent() {
      const via = this._nearestVia();
      const lists = this.lists.filter((list) => list.via === via);
      const level = Math.max(...lists.map(({ term }) => term.level));
      const likely = this.word.field ? lists : lists.filter(({ term }) => term.level === level);
      return Math.max(0, ...(await Promise.all(likely.map((list) => this._count(list)))));
    }
  }

  /**
   * Of tags that several keys lead to, the nearest; the nearest tags first.
   * @param {NearTag[]} tags
   */
  function nearest(tags) {
    /** @type {Map<string, NearTag>} */
    const best = new Map();
    for (const tag of tags) {
      const held = best.get(tag.key);
      if (!held || tag.similarity > held.similarity) {
        best.set(tag.key, tag);
      }
    }
    return [...best.values()].sort((a, b) => b.similarity - a.similarity);
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { WordSource });
})();
