// How far apart two words are by their letters.
"use strict";

(() => {
  /**
   * Which letters a word has, as bits, some sharing one. Each edit brings or takes one of them at most.
   * @param {string} word
   */
  function lettersOf(word) {
    let bits = 0;
    for (const letter of word) {
      bits |= 1 << (/** @type {number} */ (letter.codePointAt(0)) & 31);
    }
    return bits;
  }

  /** @param {number} bits */
  function count(bits) {
    let ones = 0;
    for (let left = bits; left; left &= left - 1) {
      ones++;
    }
    return ones;
  }

  /**
   * How many letters are inserted, deleted, replaced or swapped with the next between two words:
   * optimal string alignment (Damerau, 1964). More than `most` is told as `most` + 1.
   * @param {string} from
   * @param {string} to
   * @param {number} most
   */
  function distance(from, to, most) {
    const [ours, theirs] = [lettersOf(from), lettersOf(to)];
    if (count(ours & ~theirs) > most || count(theirs & ~ours) > most) {
      return most + 1;
    }
    const a = Array.from(from);
    const b = Array.from(to);
    if (Math.abs(a.length - b.length) > most || from === to) {
      return most + 1;
    }
    let before = /** @type {number[]} */ ([]);
    let last = a.map((_, at) => at).concat(a.length);
    for (let row = 1; row <= b.length; row++) {
      const now = [row];
      for (let at = 1; at <= a.length; at++) {
        const replaced = last[at - 1] + (a[at - 1] === b[row - 1] ? 0 : 1);
        now[at] = Math.min(last[at] + 1, now[at - 1] + 1, replaced);
        if (row > 1 && at > 1 && a[at - 2] === b[row - 1] && a[at - 1] === b[row - 2]) {
          now[at] = Math.min(now[at], before[at - 2] + 1);
        }
      }
      if (Math.min(...now) > most && Math.min(...last) + 1 > most) {
        return most + 1;
      }
      before = last;
      last = now;
    }
    return Math.min(last[a.length], most + 1);
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { distance });
})();
