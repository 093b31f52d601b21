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
  const WORDS = new RegExp(`[${ALONE}]+|(?:(?![${ALONE}])[\\p{L}\\p{N}])+`, "gu");
  const IS_ALONE = new RegExp(`^[${ALONE}]`, "u");
  // So many digits in a row are a word of their own: IMG2041 is img and 2041, mp3 is one word.
  const DIGITS_APART = /([0-9]{3,})/;

  /**
   * @param {string} text
   * @param {(run: string[]) => string[]} cut what ideographs that follow each other become
   */
  function fold(text, cut) {
    const bare = text.normalize("NFKD").replace(/\p{M}+/gu, "");
    // Letter by letter, since a whole text's lower case looks at neighbours (the Greek sigma).
    const folded = Array.from(bare, (letter) => {
      const lower = letter.toLowerCase();
      return FOLDS[lower] ?? lower;
    });
    return (folded.join("").match(WORDS) ?? []).flatMap((run) =>
      IS_ALONE.test(run) ? cut(Array.from(run)) : run.split(DIGITS_APART).filter(Boolean),
    );
  }

  /**
   * Each two letters that follow each other.
   * @param {string[]} letters
   */
  const bigrams = (letters) =>
    letters.length > 1 ? letters.slice(1).map((letter, at) => letters[at] + letter) : letters;

  /**
   * Cut a text into folded words as the index does: compatibility forms and accents resolved,
   * lower case, runs of letters and digits; of ideographs and kana each two, and the last alone.
   * @param {string} text
   * @returns {string[]}
   */
  function analyse(text) {
    return fold(text, (run) => (run.length > 1 ? [...bigrams(run), run[run.length - 1]] : run));
  }

  /**
   * Cut what a visitor types into folded words.
   * @param {string} text
   * @returns {string[]}
   */
  function analyseQuery(text) {
    return fold(text, bigrams);
  }

  /**
   * Whether words of what a visitor types overlap, as pairs of ideographs and kana do.
   * @param {string} text
   */
  function overlap(text) {
    let any = false;
    fold(text, (run) => {
      any ||= run.length > 2;
      return run;
    });
    return any;
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, {
    analyse,
    analyseQuery,
    overlap,
  });
})();
