// Numbers told in as many bits as they surprise: a range coder, whose bits have probabilities that follow what was told.
// SITE.md, beside the engine, draws the bytes.
"use strict";

(() => {
  const PRECISION = 12;
  const INERTIA = 5;
  const LEAST_RANGE = 2 ** 24;
  const WIDTHS = 33;
  const BITS_AT_ONCE = 12;

  /** Reads what a range coder told; zeros behind the end. */
  class RangeDecoder {
    /** @param {number[]} zeros how many of 16 are 0 at first, of each bit that is likely */
    static likely(zeros) {
      return Uint16Array.from(zeros, (each) => each << (PRECISION - 4));
    }

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

    /**
     * Bits that are 0 as likely as not.
     * @param {number} count
     * @param {number} above what is above them
     */
    bits(count, above) {
      let value = above;
      for (let left = count; left > 0; left -= BITS_AT_ONCE) {
        const values = 2 ** Math.min(left, BITS_AT_ONCE);
        value = value * values + this.oneOf(values);
      }
      return value;
    }

    number() {
      const width = this.oneOf(WIDTHS);
      return this.bits(width - 1, Math.min(1, width));
    }

    /**
     * One of so many small numbers, told in ones and a zero.
     * @param {Uint16Array} likely
     * @param {number} first of what is likely of them
     * @param {number} told how many; the last is any further one's
     * @param {number} count
     */
    several(likely, first, told, count) {
      let value = 0;
      while (value + 1 < count && this.bit(likely, first + Math.min(value, told - 1))) {
        value++;
      }
      return value;
    }
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { RangeDecoder });
})();
