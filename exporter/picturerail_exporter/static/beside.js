// What the records of a word tell of a few very frequent ones beside it: where these stand in the same documents.
// So the frequent words' own lists, which are long, need not be read.
// SITE.md, beside the engine, draws the bytes.
"use strict";

(() => {
  const { Bytes, Bits, Listed, RangeDecoder } = globalThis.Picturerail;

  // What is likely, by its place; how many of 16 are 0 at first.
  const [THERE, ANOTHER, OTHER_WORD, OTHER_FIELD, AGAIN, NEARER, AHEAD, BOTH] = [0, 1, 2, 3, 4, 8, 12, 13];
  const AT_FIRST = [10, 15, 14, 14, 12, 12, 12, 12, 10, 4, 5, 8, 8, 15];
  const MOST_TIMES = 4;
  const FARTHEST = 4;

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
   */
  function besideOf({ others, bytes, at }, part, stems, fields) {
    const words = stems.map(([, first]) => [first]);
    others.forEach(({ stem, word }) => words[stem].push(word));
    return read(words, part, fields, bytes, at);
  }

  /**
   * What a record tells apart of one stem.
   * @param {Uint8Array} value of the row
   * @param {Part} part the record, opened
   * @param {string} first of the stem's words
   * @param {number} fields how many there may be
   */
  function besideApart(value, part, first, fields) {
    const bytes = new Bytes(value);
    const words = [first, ...Array.from({ length: bytes.number() }, () => bytes.text())];
    return read([words], part, fields, value, bytes.at)[0];
  }

  /**
   * @param {string[][]} words by stem
   * @param {Part} part
   * @param {number} fields
   * @param {Uint8Array} bytes
   * @param {number} at where these tell it
   * @returns {BesideStem[]}
   */
  function read(words, part, fields, bytes, at) {
    const found = words.map((of) => of.map(() => new Beside()));
    /** @type {Map<number, number>[]} */
    const near = words.map(() => new Map());
    const likely = words.map(() => RangeDecoder.likely(AT_FIRST));
    const decoder = new RangeDecoder(bytes, at);
    for (let document = 0; document < part.count; document++) {
      const own = part.uses(document);
      likely.forEach((of, stem) => {
        if (decoder.bit(of, THERE)) {
          readUses(decoder, of, own, fields, found[stem], part.ids[document]);
          near[stem].set(part.ids[document], readNearness(decoder, of));
        }
      });
    }
    return found.map((of, stem) => {
      return { words: new Map(of.map((each, word) => [words[stem][word], each.open()])), near: near[stem] };
    });
  }

  /**
   * How near a word of a stem is to the record's term: up to four; of those that are next to it four where none is behind
   * it, five where one is, six where others are before it, too.
   * @param {RangeCode} decoder
   * @param {Uint16Array} likely
   */
  function readNearness(decoder, likely) {
    const near = decoder.several(likely, NEARER, FARTHEST, FARTHEST + 1);
    const behind = near === FARTHEST && decoder.bit(likely, AHEAD);
    return near + Number(behind) + Number(behind && decoder.bit(likely, BOTH));
  }

  /**
   * Where a stem's words stand in a document.
   * @param {RangeCode} decoder
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

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { besideOf, besideApart, nearOf });
})();
