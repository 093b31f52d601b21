// What words of a query that follow one another are worth where they stand near each other: 0.6 times the lesser
// idf, divided by how far apart they are, up to four words.
"use strict";

(() => {
  const { binary, isText } = globalThis.Picturerail;
  const SHARE = 0.6;
  const FARTHEST = 4;
  const encoder = new TextEncoder();

  /** The pairs of words of one search whose nearness counts. */
  class Nearness {
    /**
     * @param {Postings} index
     * @param {Source[]} sources of the query's words
     * @param {[number, number][]} pairs of these, by their numbers
     */
    constructor(index, sources, pairs) {
      this.index = index;
      /** @type {PairWorth[]} */
      this.pairs = pairs.map(([first, second]) => {
        const [a, b] = [sources[first], sources[second]];
        const fields = fieldsOf(a);
        const may = [...fieldsOf(b)].some((field) => fields.has(field));
        return { a, b, most: may ? SHARE * Math.min(a.idf, b.idf) : 0 };
      });
      /** The most that a document may have of it. */
      this.most = this.pairs.reduce((sum, { most }) => sum + most, 0);
    }

    /** Whether more may come to be known of how near words are. */
    get unread() {
      return this.pairs.some(({ a, b }) => a.unread.length || b.unread.length);
    }

    /**
     * The most that a document may have of it by which of these words it may have as such or in a form, as bits:
     * none other is near to anything.
     * @param {Source[]} sources
     * @returns {(texts: number) => number}
     */
    mostOf(sources) {
      /** @param {Source} source */
      const bitOf = (source) => (sources.includes(source) ? 1 << sources.indexOf(source) : 0);
      const needed = this.pairs.map(({ a, b, most }) => ({ most, bits: bitOf(a) | bitOf(b) }));
      /** @type {Map<number, number>} */
      const known = new Map();
      return (texts) => {
        let most = known.get(texts);
        if (most === undefined) {
          const may = needed.filter(({ bits }) => (texts & bits) === bits);
          most = may.reduce((sum, each) => sum + each.most, 0);
          known.set(texts, most);
        }
        return most;
      };
    }

    /**
     * What it adds to a document's score.
     * @param {number} id
     * @param {boolean} unread
     */
    of(id, unread) {
      let value = 0;
      let final = true;
      for (const { a, b, most, near } of this.pairs) {
        let nearest = FARTHEST + 1;
        a.places(id, (field, left) => {
          b.places(id, (other, right) => {
            if (field === other) {
              for (const from of left) {
                for (const to of right) {
                  nearest = Math.min(nearest, Math.abs(to - from) || nearest);
                }
              }
            }
          });
        });
        const [ofA, ofB] = [a.near.get(b)?.get(id), b.near.get(a)?.get(id)];
        nearest = Math.min(nearest, Math.max(1, FARTHEST + 1 - Math.max(ofA ?? 0, ofB ?? 0, near?.get(id) ?? 0)));
        value += nearest <= FARTHEST ? most / nearest : 0;
        // A list has a document once: only those may tell more in which it was not met yet.
        const asked = ofA !== undefined ? [b] : ofB !== undefined ? [a] : [a, b];
        const more = !near && unread && nearest > 1 && asked.some((of) => of.unread.some((list) => !list.parts.some((part) => part.find(id) >= 0)));
        final &&= !more;
      }
      return { value, final };
    }

    /**
     * Look up in which documents two very frequent words are near each other; nothing where that is not told.
     * @param {PairWorth} pair
     */
    async lookUp(pair) {
      const { root, language } = this.index;
      const { stems: most, near, own } = root.beside;
      if (![pair.a, pair.b].every(({ word }) => word.forms && !word.field)) {
        return;
      }
      const stems = [pair.a, pair.b].map(({ word }) => language.stem(word.terms[0]));
      const places = stems.map((stem) => most.findIndex(([each]) => each === stem)); // in their order, -1 of others
      if (places[0] > places[1]) {
        stems.reverse();
        places.reverse();
      }
      const [first, second] = places;
      const told = first < 0 ? second >= 0 && near.includes(stems[0]) : first !== second;
      if (told && own.includes(stems[0])) {
        pair.near = await this._readNear(language.stem(pair.a.word.terms[0]) === stems[0] ? pair.a : pair.b, second);
        return;
      }
      // What is told of two of the stems lies with either, as their places say, so that none has much of it.
      const [owner, other] = first >= 0 && (first + second) % 2 ? stems : [stems[1], stems[0]];
      if (told) {
        pair.near = await this.index.near(binary(encoder.encode(owner)), binary(encoder.encode(other)));
      }
    }

    /**
     * Read out of the lists of a word where it is near one of the very frequent stems; nothing where one does not tell.
     * @param {Source} source
     * @param {number} stem its number
     */
    async _readNear({ lists }, stem) {
      const found = await Promise.all(lists.filter(isText).map(({ term }) => this.index.nearTo(term, stem)));
      /** @type {Map<number, number>} */
      const near = new Map();
      for (const of of found) {
        of?.forEach((nearness, id) => near.set(id, Math.max(nearness, near.get(id) ?? 0)));
      }
      return found.every(Boolean) ? near : undefined;
    }
  }

  /**
   * The fields in which a word or a form of it stands, in any document: near each other words are in one field.
   * @param {Source} source
   */
  function fieldsOf({ lists }) {
    const uses = lists.filter(isText).flatMap(({ term }) => term.bounds.flat());
    return new Set(uses.map(({ field }) => field));
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Nearness });
})();
