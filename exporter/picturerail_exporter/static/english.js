// English texts: the stem of a word, so that forms of one word find each other, and words that say
// little. The stem is Porter2's (Porter, "The English (Porter2) stemming algorithm", 2002, as of
// Snowball 3). The rules are the search engine's; tests hold both against one list.
"use strict";

(() => {
  const { addLanguage, regionOf } = globalThis.Picturerail;

  // Words that say so little that a picture need not bear them; the engine's, folded.
  const STOP_WORDS =
    "a about after all also an and any are as at be been but by can could did do does for " +
    "from had has have he her his how i if in into is it its may me my no nor not of off on " +
    "or our she should so some such than that the their them then there these they this " +
    "those to us was we were what when where which while who whom why will with would you " +
    "your";

  // Longer endings stand before those that they end with.
  /** @type {[string, string][]} */
  const STEP2 = [
    ["ization", "ize"], ["ational", "ate"], ["fulness", "ful"], ["ousness", "ous"],
    ["iveness", "ive"], ["tional", "tion"], ["biliti", "ble"], ["lessli", "less"],
    ["entli", "ent"], ["ation", "ate"], ["alism", "al"], ["aliti", "al"], ["ousli", "ous"],
    ["iviti", "ive"], ["fulli", "ful"], ["ogist", "og"], ["enci", "ence"], ["anci", "ance"],
    ["abli", "able"], ["izer", "ize"], ["ator", "ate"], ["alli", "al"], ["bli", "ble"],
    ["ogi", "og"], ["li", ""],
  ];
  /** @type {[string, string][]} */
  const STEP3 = [
    ["ational", "ate"], ["tional", "tion"], ["alize", "al"], ["icate", "ic"], ["iciti", "ic"],
    ["ative", ""], ["ical", "ic"], ["ness", ""], ["ful", ""],
  ];
  const STEP4 =
    "ement ance ence able ible ment ant ent ism ate iti ous ive ize ion al er ic".split(" ");
  /** @type {Record<string, string>} */
  const IRREGULAR = {
    andes: "andes", atlas: "atlas", bias: "bias", cosmos: "cosmos", early: "earli",
    gently: "gentl", howe: "howe", idly: "idl", news: "news", only: "onli", singly: "singl",
    skies: "sky", skis: "ski", sky: "sky", ugly: "ugli",
  };
  const VOWELS = "aeiouy";

  /** @param {string} letter */
  const isVowel = (letter) => letter !== "" && VOWELS.includes(letter);

  /**
   * Whether a word's beginning ends in a short syllable.
   * @param {string} part
   */
  function isShort(part) {
    if (part.endsWith("past")) {
      return true;
    }
    if (part.length === 2) {
      return isVowel(part[0]) && !isVowel(part[1]);
    }
    const [before, vowel, last] = part.slice(-3);
    return part.length > 2 && !isVowel(last) && !"wxY".includes(last) && isVowel(vowel) &&
      !isVowel(before);
  }

  /** @param {string} word */
  function removePlural(word) {
    if (word.endsWith("sses")) {
      return word.slice(0, -2);
    }
    if (word.endsWith("ied") || word.endsWith("ies")) {
      return word.slice(0, word.length > 4 ? -2 : -1);
    }
    const plural = word.endsWith("s") && !word.endsWith("ss") && !word.endsWith("us");
    return plural && /[aeiouy]/.test(word.slice(0, -2)) ? word.slice(0, -1) : word;
  }

  /**
   * @param {string} word
   * @param {number} r1
   */
  function removePast(word, r1) {
    const [eed] = /eed(ly)?$/.exec(word) ?? [""];
    if (eed) {
      const rest = word.slice(0, -eed.length);
      return rest.length >= r1 && !["succ", "proc", "exc"].includes(rest) ? `${rest}ee` : word;
    }
    const [ending] = /(ing|ed)(ly)?$/.exec(word) ?? [""];
    if (!ending) {
      return word;
    }
    const rest = word.slice(0, word.length - ending.length);
    if (ending === "ing") {
      if (/^[^aeiouy]y$/.test(rest)) {
        return `${rest[0]}ie`;
      }
      if (["even", "cann", "inn", "earr", "herr", "out"].includes(rest)) {
        return word;
      }
    }
    if (!/[aeiouy]/.test(rest)) {
      return word;
    }
    if (/(at|bl|iz)$/.test(rest)) {
      return `${rest}e`;
    }
    if (/([bdfgmnprt])\1$/.test(rest)) {
      return /^[aeo]..$/.test(rest) ? rest : rest.slice(0, -1);
    }
    return rest.length === r1 && isShort(rest) ? `${rest}e` : rest;
  }

  /**
   * @param {string} word
   * @param {number} r1
   */
  function derive(word, r1) {
    for (const [from, to] of STEP2) {
      if (word.endsWith(from)) {
        const rest = word.slice(0, -from.length);
        const fits = from === "ogi" ? rest.endsWith("l") : from !== "li" || /[cdeghkmnrt]$/.test(rest);
        return rest.length >= r1 && fits ? rest + to : word;
      }
    }
    return word;
  }

  /**
   * @param {string} word
   * @param {number} r1
   * @param {number} r2
   */
  function shorten(word, r1, r2) {
    for (const [from, to] of STEP3) {
      if (word.endsWith(from)) {
        const rest = word.slice(0, -from.length);
        return rest.length >= (from === "ative" ? Math.max(r1, r2) : r1) ? rest + to : word;
      }
    }
    return word;
  }

  /**
   * @param {string} word
   * @param {number} r2
   */
  function strip(word, r2) {
    const ending = STEP4.find((one) => word.endsWith(one));
    if (!ending) {
      return word;
    }
    const rest = word.slice(0, -ending.length);
    return rest.length >= r2 && (ending !== "ion" || /[st]$/.test(rest)) ? rest : word;
  }

  /**
   * @param {string} word
   * @param {number} r1
   * @param {number} r2
   */
  function finish(word, r1, r2) {
    const rest = word.slice(0, -1);
    if (word.endsWith("e")) {
      return rest.length >= r2 || (rest.length >= r1 && !isShort(rest)) ? rest : word;
    }
    return word.endsWith("ll") && rest.length >= r2 ? rest : word;
  }

  /**
   * The stem of a folded word. What is not of a to z alone, or shorter than three letters, is its
   * own stem.
   * @param {string} word
   * @returns {string}
   */
  function stem(word) {
    if (!/^[a-z]{3,}$/.test(word)) {
      return word;
    }
    if (Object.hasOwn(IRREGULAR, word)) {
      return IRREGULAR[word];
    }
    // Y stands for a y that is a consonant.
    let marked = "";
    for (const letter of word) {
      const before = marked.slice(-1);
      marked += letter === "y" && (!before || isVowel(before)) ? "Y" : letter;
    }
    const [begin] =
      /^(arsen|commun|emerg|gener|inter|later|organ|past|univers)/.exec(marked) ?? [""];
    const r1 = begin ? begin.length : regionOf(marked, 0, isVowel);
    const r2 = regionOf(marked, r1, isVowel);
    let out = removePast(removePlural(marked), r1);
    out = out.replace(/^(.+[^aeiouy])[yY]$/, "$1i");
    out = shorten(derive(out, r1), r1, r2);
    return finish(strip(out, r2), r1, r2).replaceAll("Y", "y");
  }

  addLanguage("english", stem, STOP_WORDS);
})();
