// The part of a word in which the rules of stems look for endings.
"use strict";

(() => {
  /**
   * Where the part behind the first letter begins that is no vowel and follows one.
   * @param {string} word
   * @param {number} from where to look from
   * @param {(letter: string) => boolean} isVowel
   */
  function regionOf(word, from, isVowel) {
    let at = from;
    while (at < word.length && !isVowel(word[at])) {
      at += 1;
    }
    while (at < word.length && isVowel(word[at])) {
      at += 1;
    }
    return Math.min(at + 1, word.length);
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { regionOf });
})();
