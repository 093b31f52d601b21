// The analyser: what a visitor types is cut into words as the index's texts were. The rule is
// the search engine's; tests hold both against the same vectors.
"use strict";

(() => {
  // Letters that decomposition and lower case leave apart although people type the other form.
  /** @type {Record<string, string>} */
  const FOLDS = {
    ß: "ss",
    æ: "ae",
    œ: "oe",
    ø: "o",
    đ: "d",
    ð: "d",
    ħ: "h",
    ı: "i",
    ł: "l",
    þ: "th",
    ς: "σ",
  };
  // Ideographs and kana are words of their own: their scripts put no spaces between words.
  const ALONE =
    "\\u3005-\\u3007\\u3021-\\u3029\\u3031-\\u3035\\u3038-\\u303c\\u3041-\\u30ff" +
    "\\u31f0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff" +
    "\\u{1aff0}-\\u{1b16f}\\u{20000}-\\u{3ffff}";
  const WORDS = new RegExp(`(?=[\\p{L}\\p{N}])[${ALONE}]|(?:(?![${ALONE}])[\\p{L}\\p{N}])+`, "gu");

  /**
   * Cut a text into folded words: compatibility forms and accents resolved, lower case, runs
   * of letters and digits.
   * @param {string} text
   * @returns {string[]}
   */
  function analyse(text) {
    const bare = text.normalize("NFKD").replace(/\p{M}+/gu, "");
    // Letter by letter, since a whole text's lower case looks at neighbours (the Greek sigma).
    const folded = Array.from(bare, (letter) => {
      const lower = letter.toLowerCase();
      return FOLDS[lower] ?? lower;
    });
    return folded.join("").match(WORDS) ?? [];
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { analyse });
})();
