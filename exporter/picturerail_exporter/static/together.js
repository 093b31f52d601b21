// The best pictures of two or three frequent words together, which the index tells beforehand: each of
// the words' own lists is long, and need not be read where these are enough.
// SEARCH_INDEX.md, beside the exporter, draws the rows.
"use strict";

(() => {
  const { Bytes, Bits, binary, lookOf, isText, isNearer, worth } = globalThis.Picturerail;
  const MOST = 3; // words
  const FARTHEST = 4;
  const encoder = new TextEncoder();

  /** The pairs of so many words, as nearness is told of them. @type {[number, number][][]} */
  const PAIRS = [[], [], [[0, 1]], [[0, 1], [0, 2], [1, 2]]]; // prettier-ignore

  /** A row: documents that have some word of each of a few stems. */
  class Together {
    /**
     * @param {Row} row
     * @param {number} stems how many
     */
    constructor([, record, looks], stems) {
      const bytes = new Bytes(record);
      const count = bytes.number();
      const others = bytes.number();
      /** @type {StemUses[][]} */
      const kinds = Array.from({ length: stems }, () => {
        const words = Array.from({ length: bytes.number() }, () => bytes.text());
        return Array.from({ length: bytes.number() }, () => usesOf(bytes, words));
      });
      let id = bytes.number();
      const low = bytes.number();
      const bits = new Bits(bytes.bytes, bytes.at);
      const ids = Array.from({ length: count }, (_, at) => (id += at ? 1 + bits.distance(low) : 0));
      const shown = ids.filter(() => bits.number(1));
      /** @type {Map<number, Look>} */
      this.looks = new Map(shown.map((each, at) => [each, lookOf(looks, at, shown.length)]));
      const one = () => ({
        uses: kinds.map((of) => of[bits.oneOf(of.length)]),
        near: PAIRS[stems].map(() => bits.oneOf(FARTHEST + 1)),
      });
      /** @type {TogetherDocument[]} */
      this.documents = ids.map((each) => ({ id: each, ...one() }));
      /** No other document is worth more than one of these. @type {TogetherBound[]} */
      this.bounds = Array.from({ length: others }, one);
    }
  }

  /**
   * Where words of a stem stand in a document.
   * @param {IndexBytes} bytes
   * @param {string[]} words of the stem
   * @returns {StemUses}
   */
  function usesOf(bytes, words) {
    /** @type {StemUses} */
    const uses = new Map();
    for (let left = bytes.number(); left > 0; left--) {
      const word = words[bytes.number()];
      const use = { field: bytes.number(), times: bytes.number(), words: bytes.number() };
      uses.set(word, [...(uses.get(word) ?? []), use]);
    }
    return uses;
  }

  /**
   * Whether something is told of these stems together, if there is a document that has them all.
   * @param {PostingsRoot["together"]} told
   * @param {string[]} stems
   */
  function isTold({ two, three, most }, stems) {
    const enough = stems.length < MOST || stems.filter((stem) => most.includes(stem)).length > 1;
    return stems.every((stem) => three.includes(stem) || (enough && two.includes(stem)));
  }

  /** What the index tells beforehand of some words of a query, and what that is worth. */
  class BestTogether {
    /**
     * @param {Postings} index
     * @param {Together} told
     * @param {Source[]} sources in the order of their stems
     * @param {PairWorth[]} pairs of words whose nearness counts
     * @param {boolean} side whether it tells of documents where words of the stems stand side by side
     */
    constructor(index, told, sources, pairs, side) {
      this.index = index;
      this.side = side;
      /** What documents may be worth that have other words of the stems, too, so that these may stand side by side. */
      this._unclear = 0;
      this.told = told;
      this.pairs = pairs;
      this.sources = sources;
      const { length } = sources;
      /** What the nearness of each two is worth where they stand side by side. */
      this._near = PAIRS[length].map(([a, b]) => {
        const here = pairs.find((pair) => [sources[a], sources[b]].every((source) => source === pair.a || source === pair.b));
        return here?.most ?? 0;
      });
      /** @type {Map<StemUses, Known | undefined>[]} */
      this._known = sources.map(() => new Map());
    }

    /**
     * @param {Postings} index
     * @param {Source[]} sources of which a document must have all
     * @param {PairWorth[]} pairs of all words of the query
     * @param {"all" | "row" | "either"} [how] whether the words must stand side by side, in this order; or how near they
     *   are does not count
     * @returns {Promise<BestTogether | undefined>}
     */
    static async open(index, sources, pairs, how = "all") {
      const side = how === "row";
      const few = sources.length > 1 && sources.length <= (how === "all" ? MOST : 2);
      if (!few || !sources.every(({ word }) => (word.forms || side) && !word.field)) {
        return undefined;
      }
      const stems = sources.map((source) => index.language.stem(source.word.terms[0]));
      const keys = stems.map((stem) => binary(encoder.encode(stem)));
      if (!isTold(index.root.together, stems) || new Set(keys).size < keys.length) {
        return undefined;
      }
      const order = keys.map((_, at) => at).sort((a, b) => (keys[a] < keys[b] ? -1 : 1));
      const { two } = index.root.together;
      const rarest = stems.map((_, at) => at).sort((a, b) => two.indexOf(stems[a]) - two.indexOf(stems[b]));
      const kind = { all: "b", either: "o", row: order[0] ? "r" : "f" }[how];
      const row = await index.together(rarest.map((at) => keys[at]), kind);
      return row && new BestTogether(index, new Together(row, sources.length), order.map((at) => sources[at]), pairs, side);
    }

    /**
     * Tell each document, what it is worth but for other words, and how the words are there.
     * @param {(id: number, value: number, known: Known[]) => void} tell
     */
    forEach(tell) {
      for (const { id, uses, near } of this.told.documents) {
        const known = uses.map((of, at) => this._best(at, of));
        if (known.every(Boolean)) {
          const value = this._worth(known, near);
          if (this.side && uses.some((of) => of.size > 1)) {
            this._unclear = Math.max(this._unclear, value);
          } else {
            tell(id, value, /** @type {Known[]} */ (known));
          }
        }
      }
    }

    /**
     * The most that a document may be worth that is not told by `forEach`; 0 where there is none.
     * @param {number} low what is not to be told from less
     * @returns {Promise<number>}
     */
    async bound(low) {
      const others = this.sources.map((_, at) => this._boundWithout(at, low));
      return Math.max(this._unclear, this._most(this.told.bounds), ...(await Promise.all(others)));
    }

    /** @param {TogetherBound[]} kinds of documents */
    _most(kinds) {
      return Math.max(0, ...kinds.map(({ uses, near }) => this._worth(uses.map((of, at) => this._best(at, of)), near)));
    }

    /**
     * The most that a document may be worth that has one of the words in another way than as such or in a form; 0
     * where there is no other way.
     * @param {number} at which word
     * @param {number} low
     * @returns {Promise<number>}
     */
    async _boundWithout(at, low) {
      const other = this.sources[at].idf * this.sources[at].boundOf(false);
      const rest = this.sources.filter((_, number) => number !== at);
      const all = rest.map((source) => source.idf * Math.max(source.boundOf(true), source.boundOf(false)));
      const near = this._near.filter((_, pair) => !PAIRS[this.sources.length][pair].includes(at));
      const most = [...all, ...near].reduce((sum, each) => sum + each, other);
      if (other <= 0 || most <= low || rest.length < 2) {
        return other && most;
      }
      // What the others are worth together is less than each alone may be.
      const together = await BestTogether.open(this.index, rest, this.pairs);
      if (!together) {
        return most;
      }
      let bound = other + (await together.bound(Infinity));
      const best = other + together._most(together.told.documents);
      if (best <= low) {
        return Math.max(best, bound);
      }
      // These lists are short, and seldom have one of the best.
      const source = this.sources[at];
      await source.loadOthers();
      const told = new Set(this.told.documents.map(({ id }) => id));
      together.forEach((id, value) => {
        const held = told.has(id) ? undefined : source.known.get(id);
        bound = Math.max(bound, held ? value + source.idf * held.worth : 0);
      });
      return bound;
    }

    /** @param {number} id */
    look(id) {
      return this.told.looks.get(id);
    }

    /**
     * @param {(Known | undefined)[]} known
     * @param {number[]} near
     */
    _worth(known, near) {
      let value = 0;
      known.forEach((each, at) => (value += this.sources[at].idf * (each?.worth ?? 0)));
      near.forEach((each, at) => (value += each && this._near[at] / (FARTHEST + 1 - each)));
      return value;
    }

    /**
     * The best way in which a document has a word.
     * @param {number} at which word
     * @param {StemUses} uses
     */
    _best(at, uses) {
      const source = this.sources[at];
      if (!this._known[at].has(uses)) {
        /** @type {Known | undefined} */
        let best;
        for (const list of source.lists) {
          const here = isText(list) ? uses.get(list.term.text) : undefined;
          if (here) {
            const one = { worth: worth(list, source.weight(here)), list, uses: here };
            best = isNearer(one, best) ? one : best;
          }
        }
        this._known[at].set(uses, best);
      }
      return this._known[at].get(uses);
    }
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { BestTogether });
})();
