// The words that somebody may have meant, out of a list that is told in as many bits as its letters surprise.
// SITE.md, beside the engine, draws the bytes.
"use strict";

(() => {
  const { Bytes, RangeDecoder } = globalThis.Picturerail;
  const MOST_LETTERS = 64;
  const LONGER = [15]; // how many of 16 are 0 at first
  const SHARED = [2, 3, 4, 6, 8, 10, 10, 10];
  const CONTEXTS = 64;

  /**
   * The letters of each word.
   * @param {Uint8Array} list
   * @returns {string[][]}
   */
  function wordsOf(list) {
    const bytes = new Bytes(list);
    const count = bytes.number();
    const alphabet = Array.from({ length: bytes.number() }, () => String.fromCodePoint(bytes.number()));
    const width = 32 - Math.clz32(alphabet.length - 1);
    const likely = RangeDecoder.likely([...LONGER, ...SHARED, ...Array(CONTEXTS << width).fill(8)]);
    const letters = LONGER.length + SHARED.length;
    const decoder = new RangeDecoder(list, bytes.at);
    /** @type {number[]} */
    let word = [];
    return Array.from({ length: count }, () => {
      const length = word.length + decoder.several(likely, 0, LONGER.length, MOST_LETTERS + 1);
      const most = Math.min(word.length, length - 1);
      word = word.slice(0, decoder.several(likely, LONGER.length, SHARED.length, most + 1));
      while (word.length < length) {
        const before = word.length && 1 + word[word.length - 1];
        const first = letters + ((before % CONTEXTS) << width);
        let letter = 1;
        for (let left = width; left; left--) {
          letter = 2 * letter + Number(decoder.bit(likely, first + letter));
        }
        word.push(letter - (1 << width));
      }
      return word.map((letter) => alphabet[letter]);
    });
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { wordsOf });
})();
