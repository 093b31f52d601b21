// What records tell in a range coder's code that do not tell how long fields are: one after the other the classes of
// their documents, where the term stands in these, and how near it is there to very frequent stems.
// SITE.md, beside the engine, draws the bytes.
"use strict";

(() => {
  const { RangeDecoder } = globalThis.Picturerail;
  const CLASSES = [12, 12, 12, 12];
  // How wide a distance is, and its second bit by that: at first, and how many of each there are.
  const WIDTHS = [2, 3, 5, 6, 10, 14];
  const MOST_WIDTHS = 32;
  const DISTANCES = [...WIDTHS, ...Array(MOST_WIDTHS).fill(8)];
  const FURTHER = 2; // times are told in one way
  const NEARER = [10, 4, 5, 8];

  /** Reads them, in this order. */
  class Lean {
    /**
     * @param {Uint8Array} bytes
     * @param {number} at
     */
    constructor(bytes, at) {
      this._decoder = new RangeDecoder(bytes, at);
    }

    /**
     * @param {number} count of documents
     * @param {number} classes
     */
    codes(count, classes) {
      const likely = RangeDecoder.likely(CLASSES);
      return Uint32Array.from({ length: count }, () => this._decoder.several(likely, 0, CLASSES.length, classes));
    }

    /**
     * All positions, document by document, and where each one's begin and all end.
     * @param {Listed} part
     */
    positions(part) {
      const begins = new Uint32Array(part.count + 1);
      const times = part.classes.map((uses) => uses.reduce((sum, use) => sum + use.times, 0));
      part.codes.forEach((code, at) => (begins[at + 1] = begins[at] + times[code]));
      const all = new Uint32Array(begins[part.count]);
      /** @type {Map<number, Uint16Array[]>} */
      const likely = new Map();
      let at = 0;
      for (const code of part.codes) {
        for (const { field, times } of part.classes[code]) {
          const of = likely.get(field) ?? Array.from({ length: FURTHER + 1 }, () => RangeDecoder.likely(DISTANCES));
          likely.set(field, of);
          for (let [time, next] = [0, 0]; time < times; time++) {
            all[at] = next + this._distance(of[Math.min(time, FURTHER)]) - 1;
            next = all[at++] + 1;
          }
        }
      }
      return { begins, all };
    }

    /** @param {Uint16Array} likely */
    _distance(likely) {
      const width = this._decoder.several(likely, 0, WIDTHS.length, MOST_WIDTHS);
      return width ? this._decoder.bits(width - 1, 2 + Number(this._decoder.bit(likely, WIDTHS.length + width))) : 1;
    }

    /**
     * How near each stem is, by document; only of those near which it is.
     * @param {Float64Array} ids
     * @param {number} stems how many
     */
    nearness(ids, stems) {
      const likely = Array.from({ length: stems }, () => RangeDecoder.likely(NEARER));
      /** @type {Map<number, number>[]} */
      const found = likely.map(() => new Map());
      for (const id of ids) {
        likely.forEach((of, stem) => {
          const nearness = this._decoder.several(of, 0, NEARER.length, NEARER.length + 1);
          if (nearness) {
            found[stem].set(id, nearness);
          }
        });
      }
      return found;
    }
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Lean });
})();
