// The bytes of the search index: numbers, texts, and a term's documents as records hold them.
// SEARCH_INDEX.md, beside the exporter, draws them.
"use strict";

(() => {
  const LOOK_BYTES = 4;
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

    /**
     * Fill an array with as many numbers.
     * @param {Uint32Array} into
     */
    numbers(into) {
      const { bytes } = this;
      let at = this.at;
      for (let index = 0; index < into.length; index++) {
        if (bytes[at] < 128) {
          into[index] = bytes[at++]; // most are small
        } else {
          this.at = at;
          into[index] = this.number();
          at = this.at;
        }
      }
      this.at = at;
    }

    /**
     * Fill an array with numbers of which each is told by its distance to the one before.
     * @param {Float64Array} into
     */
    steps(into) {
      const { bytes } = this;
      let at = this.at;
      let value = 0;
      for (let index = 0; index < into.length; index++) {
        if (bytes[at] < 128) {
          value += bytes[at++];
        } else {
          this.at = at;
          value += this.number();
          at = this.at;
        }
        into[index] = value;
      }
      this.at = at;
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

  /**
   * Documents of a term, by their places in a record. What they are worth at most is known at once; they
   * themselves once it is opened, and where the term stands in each when that is asked.
   */
  class Part {
    /** @param {Uint8Array} value */
    constructor(value) {
      const outer = new Bytes(value);
      const bytes = new Bytes(outer.take(outer.number()));
      this.count = bytes.number();
      this.classes = bytes.classes();
      this.ids = NO_IDS;
      this.codes = NO_CODES;
      this._rest = bytes;
      this._looks = value.subarray(outer.at);
      /** @type {Uint32Array | undefined} */
      this._begins = undefined; // where each document's positions begin
    }

    open() {
      if (this.ids === NO_IDS) {
        this.ids = new Float64Array(this.count);
        this.codes = new Uint32Array(this.count);
        this._rest.steps(this.ids);
        this._rest.numbers(this.codes);
      }
      return this;
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

    /**
     * Where the word stands in a document, by the fields of its class.
     * @param {number} at
     */
    positions(at) {
      this._begins ??= this._findBegins();
      const bytes = new Bytes(this._rest.bytes, this._begins[at]);
      return this.uses(at).map(({ times }) => {
        const positions = new Float64Array(times);
        bytes.steps(positions);
        return positions;
      });
    }

    _findBegins() {
      const { bytes, at: first } = this._rest;
      const lengths = this.classes.map((uses) => uses.reduce((sum, { times }) => sum + times, 0));
      const begins = new Uint32Array(this.count);
      let at = first;
      for (let index = 0; index < this.count; index++) {
        begins[index] = at;
        for (let left = lengths[this.codes[index]]; left > 0 && at < bytes.length; at++) {
          left -= bytes[at] < 128 ? 1 : 0;
        }
      }
      return begins;
    }

    /**
     * @param {number} at
     * @returns {Look | undefined}
     */
    look(at) {
      const count = Math.floor(this._looks.length / LOOK_BYTES); // of the first documents
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
    const digest = Array.from(looks.subarray(2 * at, 2 * at + 2), (byte) => byte.toString(16).padStart(2, "0"));
    return { digest: digest.join(""), form: looks[2 * count + at] - 128, colour: looks[3 * count + at] };
  }

  const records = { Bytes, Part, binary, lookOf, LOOK_BYTES };
  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, records);
})();
