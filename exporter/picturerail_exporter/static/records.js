// The bytes of the search index: numbers, texts, and a term's documents as records hold them.
// SEARCH_INDEX.md, beside the exporter, draws them.
"use strict";

(() => {
  const { Lean } = globalThis.Picturerail;
  const LOOK_BYTES = 3;
  const TOLD_APART = 1;
  const decoder = new TextDecoder();

  /** Reads numbers and texts out of bytes, one after the other. */
  class Bytes {
    /**
     * @param {Uint8Array} bytes
     * @param {number} at
     */
    constructor(bytes, at = 0) {
      this.bytes = bytes;
      this.at = at;
    }

    get ended() {
      return this.at >= this.bytes.length;
    }

    number() {
      let value = 0;
      for (let factor = 1; ; factor *= 128) {
        const part = this.bytes[this.at++];
        if (part === undefined) {
          throw new Error("it ends too early");
        }
        value += (part & 127) * factor;
        if (part < 128) {
          return value;
        }
      }
    }

    /** @param {number} length */
    take(length) {
      const part = this.bytes.subarray(this.at, this.at + length);
      if (part.length < length) {
        throw new Error("it ends too early");
      }
      this.at += length;
      return part;
    }

    /**
     * In which fields a term stands in documents, how often, and of how many words they are.
     * @returns {FieldUse[][]}
     */
    classes() {
      const one = () => ({ field: this.number(), times: this.number(), words: this.number() });
      return Array.from({ length: this.number() }, () => Array.from({ length: this.number() }, one));
    }

    text() {
      return decoder.decode(this.take(this.number()));
    }

    /**
     * A key, of which the beginning is that of the one before.
     * @param {string} before
     */
    key(before) {
      const shared = this.number();
      return before.slice(0, shared) + binary(this.take(this.number()));
    }
  }

  /** Reads numbers out of bits behind bytes, the highest of each byte first. */
  class Bits {
    /**
     * @param {Uint8Array} bytes
     * @param {number} at
     */
    constructor(bytes, at) {
      this.bytes = bytes;
      this.at = 8 * at;
    }

    /** The next 32 bits; zeros behind the end. */
    _next() {
      const { bytes, at } = this;
      const byte = at >>> 3;
      const used = at & 7;
      const whole = (bytes[byte] << 24) | (bytes[byte + 1] << 16) | (bytes[byte + 2] << 8) | bytes[byte + 3];
      return used ? (whole << used) | (bytes[byte + 4] >>> (8 - used)) : whole;
    }

    /**
     * @param {number} count of bits
     * @returns {number}
     */
    number(count) {
      if (count > 24) {
        const high = this.number(count - 24);
        return high * 0x1000000 + this.number(24);
      }
      const value = count && this._next() >>> (32 - count);
      this.at += count;
      return value;
    }

    /**
     * A number whose upper part is told in ones.
     * @param {number} low bits of the lower part
     */
    distance(low) {
      let ones = 0;
      for (;;) {
        const more = Math.clz32(~this._next());
        ones += more;
        if (more < 32) {
          this.at += more + 1;
          return ones * 2 ** low + this.number(low);
        }
        this.at += 32;
      }
    }

    /**
     * One of so many values, of which the first take a bit less where that is left over.
     * @param {number} count
     */
    oneOf(count) {
      const width = 32 - Math.clz32(count - 1);
      const shorter = 2 ** width - count;
      const value = shorter ? this.number(width - 1) : this.number(width);
      return !shorter || value < shorter ? value : 2 * value + this.number(1) - shorter;
    }
  }

  /**
   * Bytes as a text of as many characters, which compares as they do.
   * @param {Uint8Array} bytes
   */
  function binary(bytes) {
    let text = "";
    for (const byte of bytes) {
      text += String.fromCharCode(byte);
    }
    return text;
  }

  const NO_IDS = new Float64Array();
  const NO_CODES = new Uint32Array();

  /** Documents of a word, ascending, and in which fields each has it. */
  class Listed {
    constructor() {
      this.count = 0;
      this.ids = NO_IDS;
      /** @type {Uint32Array} */
      this.codes = NO_CODES;
      /** @type {FieldUse[][]} */
      this.classes = [];
    }

    /**
     * The place of a document; -1 where it is not here.
     * @param {number} id
     */
    find(id) {
      let low = 0;
      let high = this.ids.length - 1;
      while (low <= high) {
        const middle = (low + high) >> 1;
        if (this.ids[middle] === id) {
          return middle;
        }
        if (this.ids[middle] < id) {
          low = middle + 1;
        } else {
          high = middle - 1;
        }
      }
      return -1;
    }

    /** @param {number} at */
    uses(at) {
      return this.classes[this.codes[at]];
    }
  }

  /**
   * Words of very frequent stems that a record tells of, but for the first of each stem.
   * @param {Bytes} bytes
   * @param {number} told what says how many
   * @returns {ToldBeside["others"]}
   */
  const othersOf = (bytes, told) =>
    Array.from({ length: told - TOLD_APART - 1 }, () => ({ stem: bytes.number(), word: bytes.text() }));

  /**
   * The classes of a record by their groups, as far as bytes tell of them.
   * @param {Bytes} bytes
   */
  function groupsOf(bytes) {
    const groups = [];
    for (let left = bytes.number(); left > 0; ) {
      const count = bytes.number();
      const fields = Array.from({ length: bytes.number() }, () => {
        return { field: bytes.number(), times: bytes.number(), more: bytes.number() };
      });
      const several = fields.length > 1;
      const words = Array.from({ length: several ? count : 1 }, () => fields.map(() => bytes.number()));
      groups.push({ count, fields, words, low: several ? 0 : bytes.number() });
      left -= count;
    }
    return groups;
  }

  /**
   * The classes, and how many bits positions take, by class and field.
   * @param {ReturnType<typeof groupsOf>} groups
   * @param {Bits} bits which tell the rest
   */
  function classesOf(groups, bits) {
    /** @type {FieldUse[][]} */
    const classes = [];
    /** @type {number[][]} */
    const widths = [];
    for (const { count, fields, words, low } of groups) {
      while (words.length < count) {
        words.push([words[words.length - 1][0] + 1 + bits.distance(low)]);
      }
      for (const each of words) {
        classes.push(fields.map(({ field, times }, at) => ({ field, times, words: each[at] })));
        // As many as it takes where each of the field's words has one position, and some more.
        widths.push(fields.map(({ more }, at) => more && 32 - Math.clz32(Math.max(1, each[at]) - 1) + more - 1));
      }
    }
    return { classes, widths };
  }

  /**
   * Documents of a term, by their places in a record. What they are worth at most is known at once; they
   * themselves once it is opened, and where the term stands in each when that is asked.
   */
  class Part extends Listed {
    /**
     * @param {Uint8Array} record
     * @param {Uint8Array} looks
     * @param {string} key of its row
     */
    constructor(record, looks, key = "") {
      super();
      this.key = key;
      const bytes = new Bytes(record);
      this.count = bytes.number();
      this._first = bytes.number();
      const told = bytes.number();
      this.apart = told === TOLD_APART;
      /** What it tells of very frequent stems. @type {ToldBeside | undefined} */
      this._told = told > TOLD_APART ? { others: othersOf(bytes, told), bytes: bytes.bytes, at: 0 } : undefined;
      const groups = groupsOf(bytes);
      this._low = bytes.number();
      this._bits = new Bits(bytes.bytes, bytes.at);
      const { classes, widths } = classesOf(groups, this._bits);
      this.classes = classes;
      this._widths = widths;
      this.lean = !classes[0][0].words; // how long fields are is told elsewhere
      this._looks = looks;
      /** @type {Uint32Array | undefined} */
      this._begins = undefined; // where each document's positions begin, and all end
      /** What it tells of each stem, as far as that is read. @type {BesideStem[] | undefined} */
      this._beside = undefined;
      /** What comes behind the documents, where it is lean. @type {Lean | undefined} */
      this._coded = undefined;
      /** @type {ReturnType<Lean["positions"]> | undefined} */
      this._positions = undefined; // where it is lean
      /** @type {Map<number, number>[] | undefined} */
      this._nearness = undefined;
    }

    /**
     * What it tells of a very frequent stem beside it; nothing where it tells nothing, or that is not read yet.
     * @param {number} stem its number
     * @param {(told: ToldBeside) => BesideStem[]} read
     */
    beside(stem, read) {
      if (this._told && !this._coded) {
        this._begins ??= this._findBegins();
        this._beside ??= read({ ...this._told, at: Math.ceil(this._begins[this.count] / 8) });
      }
      return this._beside?.[stem];
    }

    /**
     * How near its documents are to very frequent stems, where it tells nothing else of these.
     * @param {number} stems how many
     */
    nearness(stems) {
      const coded = this.open()._coded;
      if (this._told && coded) {
        this._positions ??= coded.positions(this); // these come before
        this._nearness ??= coded.nearness(this.ids, stems);
      }
      return this._nearness;
    }

    /**
     * Take over what is told apart of a very frequent stem.
     * @param {number} stem its number
     * @param {BesideStem} told
     */
    tell(stem, told) {
      (this._beside ??= [])[stem] = told;
    }

    open() {
      if (this.ids === NO_IDS) {
        const { count, classes, _bits, _low } = this;
        this.ids = new Float64Array(count);
        let id = this._first;
        for (let at = 0; at < count; at++) {
          id += at ? 1 + _bits.distance(_low) : 0;
          this.ids[at] = id;
        }
        this._coded = this.lean ? new Lean(_bits.bytes, Math.ceil(_bits.at / 8)) : undefined;
        this.codes = this._coded?.codes(count, classes.length) ?? Uint32Array.from(this.ids, () => _bits.oneOf(classes.length));
      }
      return this;
    }

    /**
     * Take over how long fields are, which it did not tell.
     * @param {(id: number, field: number) => number} lengthOf
     */
    complete(lengthOf) {
      const { ids, codes, classes } = this.open();
      /** @type {Map<string, number>} */
      const numbers = new Map();
      /** @type {FieldUse[][]} */
      const told = [];
      this.codes = codes.map((code, at) => {
        const words = classes[code].map(({ field }) => lengthOf(ids[at], field));
        const name = [code, ...words].join();
        const number = numbers.get(name) ?? told.push(classes[code].map((use, field) => ({ ...use, words: words[field] }))) - 1;
        numbers.set(name, number);
        return number;
      });
      this.classes = told;
      this.lean = told.some((uses) => uses.some(({ words }) => !words)); // where a file is damaged
    }

    /**
     * Where the word stands in a document, by the fields of its class.
     * @param {number} at
     */
    positions(at) {
      if (this._coded) {
        return this._codedPositions(at, this._coded);
      }
      this._begins ??= this._findBegins();
      const { bytes } = this._bits;
      const bits = new Bits(bytes, 0);
      bits.at = this._begins[at];
      const widths = this._widths[this.codes[at]];
      return this.uses(at).map(({ times }, field) => Uint32Array.from({ length: times }, () => bits.number(widths[field])));
    }

    /**
     * @param {number} at
     * @param {Lean} coded
     */
    _codedPositions(at, coded) {
      const { begins, all } = (this._positions ??= coded.positions(this));
      let begin = begins[at];
      return this.uses(at).map(({ times }) => all.subarray(begin, (begin += times)));
    }

    _findBegins() {
      const { classes, codes, _widths } = this;
      const bits = classes.map((uses, code) => uses.reduce((sum, { times }, field) => sum + times * _widths[code][field], 0));
      const begins = new Uint32Array(this.count + 1);
      begins[0] = this._bits.at;
      for (let index = 0; index < this.count; index++) {
        begins[index + 1] = begins[index] + bits[codes[index]];
      }
      return begins;
    }

    /**
     * @param {number} at
     * @returns {Look | undefined}
     */
    look(at) {
      const count = this._looks.length / LOOK_BYTES; // of the first documents
      return at < count ? lookOf(this._looks, at, count) : undefined;
    }
  }

  /**
   * @param {Uint8Array} looks column after column
   * @param {number} at
   * @param {number} count
   * @returns {Look}
   */
  function lookOf(looks, at, count) {
    return { revision: looks[at], form: looks[count + at] - 128, colour: looks[2 * count + at] };
  }

  const records = { Bytes, Bits, Listed, Part, binary, lookOf };
  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, records);
})();
