// The analyser: what a visitor types is cut into words as the index's texts were. The rule is
// the search engine's; tests hold both against the same vectors.
"use strict";

(() => {
  /**
   * Cut a text into folded words: compatibility forms and accents resolved, lower case, runs
   * of letters and digits.
   * @param {string} text
   * @returns {string[]}
   */
  function analyse(text) {
    const folded = text
      .normalize("NFKD")
      .replace(/\p{M}+/gu, "")
      .toLowerCase()
      .replace(/ß/g, "ss");
    return folded.match(/[\p{L}\p{N}]+/gu) ?? [];
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { analyse });
})();
