// What the records of a word tell of a few very frequent ones beside it: where these stand in the same documents.
// So the frequent words' own lists, which are long, need not be read.
// SITE.md, beside the engine, draws the bytes.
"use strict";

(() => {
  const { Bytes, Bits, Listed } = globalThis.Picturerail;

  // What is likely, by its place; how many of 16 are 0 at first.
  const [THERE, ANOTHER, OTHER_WORD, OTHER_FIELD, AGAIN, NEARER] = [0, 1, 2, 3, 4, 8];
  const AT_FIRST = [10, 15, 14, 14, 12, 12, 12, 12, 10, 4, 5, 8];
  const MOST_TIMES = 4;
  const FARTHEST = 4;
  const PRECISION = 12;
  const INERTIA = 4;
  const LEAST_RANGE = 2 ** 24;
  const WIDTHS = 33;
  const BITS_AT_ONCE = 12;

  /** Reads what a range coder told; zeros behind the end. */
  class RangeDecoder {
    /**
     * @param {Uint8Array} bytes
     * @param {number} at
     */
    constructor(bytes, at) {
      this._bytes = bytes;
      this._at = at + 4;
      this._code = [0, 1, 2, 3].reduce((code, byte) => code * 256 + (bytes[at + byte] ?? 0), 0);
      this._range = 2 ** 32 - 1;
    }

    _normalise() {
      while (this._range < LEAST_RANGE) {
        this._code = this._code * 256 + (this._bytes[this._at++] ?? 0);
        this._range *= 256;
      }
    }

    /**
     * @param {Uint16Array} likely how many of 4,096 are 0
     * @param {number} which of them
     */
    bit(likely, which) {
      const zero = likely[which];
      const zeros = (this._range >>> PRECISION) * zero;
      const bit = this._code >= zeros;
      if (bit) {
        this._code -= zeros;
        this._range -= zeros;
        likely[which] = zero - (zero >> INERTIA);
      } else {
        this._range = zeros;
        likely[which] = zero + ((2 ** PRECISION - zero) >> INERTIA);
      }
      this._normalise();
      return bit;
    }

    /** @param {number} count of values that are as likely as one another */
    oneOf(count) {
      this._range = Math.floor(this._range / count);
      const value = Math.min(count - 1, Math.floor(this._code / this._range));
      this._code -= value * this._range;
      this._normalise();
      return value;
    }

    number() {
      const width = this.oneOf(WIDTHS);
      let value = Math.min(1, width);
      for (let left = width - 1; left > 0; left -= BITS_AT_ONCE) {
        const count = 2 ** Math.min(left, BITS_AT_ONCE);
        value = value * count + this.oneOf(count);
      }
      return value;
    }
  }

  /** Documents of a word that are told beside another. */
  class Beside extends Listed {
    constructor() {
      super();
      /** @type {number[]} */
      this._ids = [];
      /** @type {number[]} */
      this._codes = [];
      /** @type {Map<string, number>} */
      this._numbers = new Map();
    }

    /**
     * @param {number} id not below those before
     * @param {FieldUse[]} uses
     */
    put(id, uses) {
      const name = uses.map(({ field, times, words }) => `${field} ${times} ${words}`).join();
      let code = this._numbers.get(name);
      if (code === undefined) {
        code = this.classes.push(uses) - 1;
        this._numbers.set(name, code);
      }
      this._ids.push(id);
      this._codes.push(code);
    }

    open() {
      this.ids = Float64Array.from(this._ids);
      this.codes = Uint32Array.from(this._codes);
      this.count = this.ids.length;
      return this;
    }
  }

  /**
   * What a record tells of each stem.
   * @param {ToldBeside} told
   * @param {Part} part the record, opened
   * @param {PostingsRoot["beside"]["stems"]} stems
   * @param {number} fields how many there may be
   * @returns {BesideStem[]}
   */
  function besideOf({ others, bytes, at }, part, stems, fields) {
    const words = stems.map(([, first]) => [first]);
    others.forEach(({ stem, word }) => words[stem].push(word));
    const found = words.map((of) => of.map(() => new Beside()));
    /** @type {Map<number, number>[]} */
    const near = words.map(() => new Map());
    const likely = stems.map(() => Uint16Array.from(AT_FIRST, (zeros) => zeros << (PRECISION - 4)));
    const decoder = new RangeDecoder(bytes, at);
    for (let document = 0; document < part.count; document++) {
      const own = part.uses(document);
      likely.forEach((of, stem) => {
        if (decoder.bit(of, THERE)) {
          readUses(decoder, of, own, fields, found[stem], part.ids[document]);
          let nearness = 0;
          while (nearness < FARTHEST && decoder.bit(of, NEARER + nearness)) {
            nearness++;
          }
          near[stem].set(part.ids[document], nearness);
        }
      });
    }
    return found.map((of, stem) => {
      return { words: new Map(of.map((each, word) => [words[stem][word], each.open()])), near: near[stem] };
    });
  }

  /**
   * Where a stem's words stand in a document.
   * @param {RangeDecoder} decoder
   * @param {Uint16Array} likely
   * @param {FieldUse[]} own where the record's term stands
   * @param {number} fields
   * @param {Beside[]} words of the stem
   * @param {number} id
   */
  function readUses(decoder, likely, own, fields, words, id) {
    /** @type {FieldUse[][]} */
    const of = [];
    do {
      const others = words.length - 1;
      const word = others && decoder.bit(likely, OTHER_WORD) ? 1 + decoder.oneOf(others) : 0;
      /** @type {{ field: number, words: number }} */
      let place;
      if (decoder.bit(likely, OTHER_FIELD)) {
        place = { field: decoder.oneOf(fields), words: decoder.number() };
      } else {
        place = own[own.length > 1 ? decoder.oneOf(own.length) : 0];
      }
      let times = 1;
      while (decoder.bit(likely, AGAIN + Math.min(times, MOST_TIMES) - 1)) {
        times++;
      }
      (of[word] ??= []).push({ field: place.field, times, words: place.words });
    } while (decoder.bit(likely, ANOTHER));
    of.forEach((uses, word) => words[word].put(id, uses));
  }

  /**
   * Documents that have words of two stems near each other, and how near.
   * @param {Uint8Array} value
   * @returns {[id: number, nearness: number][]}
   */
  function nearOf(value) {
    const bytes = new Bytes(value);
    const count = bytes.number();
    let id = bytes.number();
    const low = bytes.number();
    const bits = new Bits(bytes.bytes, bytes.at);
    const ids = Array.from({ length: count }, (_, at) => (id += at ? 1 + bits.distance(low) : 0));
    return ids.map((each) => [each, FARTHEST - bits.oneOf(FARTHEST)]);
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { besideOf, nearOf });
})();
