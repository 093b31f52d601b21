// German texts: the stem of a word, so that forms of one word find each other, and words that say little.
// The stem is Snowball's (Porter and others, "German stemming algorithm", as of Snowball 3, which also
// takes ae, oe and ue for umlauts). The rules are the search engine's; tests hold both against one list.
"use strict";

(() => {
  const { addLanguage, regionOf } = globalThis.Picturerail;

  // Words that say so little that a picture need not bear them; the engine's, folded.
  const STOP_WORDS =
    "aber alle als also am an auch auf aus bei beim bin bis bist da dann das dass dein dem " +
    "den denn der des dich die dies diese dieser dieses dir doch du durch ein eine einem " +
    "einen einer eines er es etwas euch fur hab habe haben hat hatte hatten ich ihm ihn ihr " +
    "ihre im in ins ist ja kein keine man mein mich mir mit nach nicht noch nun nur ob oder " +
    "ohne sein seine sich sie sind so uber um und uns unser unter vom von vor war waren " +
    "warum was weil welche wenn wer werden wie wir wird wo zu zum zur";

  // Letters that a word does not have stand for those that the rules tell apart: U and Y for a u and a y
  // between vowels, which are consonants; A, O and W for the umlauts of a, o and u.
  const VOWELS = "aeiouyAOW";
  const PLAIN = /** @type {Record<string, string>} */ ({ A: "a", O: "o", W: "u", U: "u", Y: "y" });
  const UMLAUTS = /** @type {Record<string, string>} */ ({ ae: "A", oe: "O", ue: "W" });

  // Longer endings stand before those that they end with.
  const INFLECTIONS = ["erinnen", "erin", "lns", "ern", "em", "en", "er", "es", "ln", "e", "s"];
  const COMPARISONS = ["est", "en", "er", "et", "st"];
  const DERIVATIONS = ["heit", "isch", "keit", "lich", "end", "ung", "ig", "ik"];

  /** @param {string | undefined} letter */
  const isVowel = (letter) => letter !== undefined && VOWELS.includes(letter);

  /**
   * What is left of a word without the first of some endings that it has, and the ending; nothing where
   * the ending does not lie in the region.
   * @param {string} word
   * @param {string[]} endings
   * @param {number} from
   * @returns {[rest: string, ending: string] | undefined}
   */
  function split(word, endings, from) {
    const ending = endings.find((one) => word.endsWith(one));
    const length = word.length - (ending ?? "").length;
    return ending && length >= from ? [word.slice(0, length), ending] : undefined;
  }

  /**
   * @param {string} word
   * @param {number} r1
   */
  function removeInflection(word, r1) {
    const [rest, ending] = split(word, INFLECTIONS, r1) ?? [word, ""];
    switch (ending) {
      case "em":
        return rest.endsWith("syst") ? word : rest;
      case "s":
        return /[bdfghklmnrt]$/.test(rest) ? rest : word;
      case "ln":
      case "lns":
        return `${rest}l`;
      case "e":
      case "en":
      case "es":
        return rest.endsWith("niss") ? rest.slice(0, -1) : rest;
      default:
        return rest;
    }
  }

  /**
   * @param {string} word
   * @param {number} r1
   */
  function removeComparison(word, r1) {
    const [rest, ending] = split(word, COMPARISONS, r1) ?? [word, ""];
    if (ending === "st") {
      return /[bdfghklmnt]$/.test(rest) && rest.length >= 4 ? rest : word;
    }
    if (ending === "et") {
      return /[AUdfgklmnrstz]$/.test(rest) && !/(geordn|intern|plan|tick|tr)$/.test(rest) ? rest : word;
    }
    return rest;
  }

  /**
   * @param {string} word
   * @param {number} r1
   * @param {number} r2
   */
  function removeDerivation(word, r1, r2) {
    const [rest, ending] = split(word, DERIVATIONS, r2) ?? [word, ""];
    switch (ending) {
      case "":
        return word;
      case "ig":
      case "ik":
      case "isch":
        return rest.endsWith("e") ? word : rest;
      case "end":
      case "ung":
        return /(?<!e)ig$/.test(rest) && rest.length - 2 >= r2 ? rest.slice(0, -2) : rest;
      case "lich":
      case "heit":
        return /(er|en)$/.test(rest) && rest.length - 2 >= r1 ? rest.slice(0, -2) : rest;
      default:
        return split(rest, ["lich"], r2)?.[0] ?? split(rest, ["ig"], r2)?.[0] ?? rest;
    }
  }

  /**
   * The stem of a folded word. What is not of a to z alone is its own stem.
   * @param {string} word
   * @returns {string}
   */
  function stem(word) {
    if (!/^[a-z]+$/.test(word)) {
      return word;
    }
    let marked = "";
    for (let at = 0; at < word.length; at++) {
      const between = isVowel(marked.slice(-1) || undefined) && isVowel(word[at + 1]);
      marked += between && "uy".includes(word[at]) ? word[at].toUpperCase() : word[at];
    }
    // The u of qu is no part of an umlaut.
    marked = marked.replace(/qu|[aou]e/g, (pair) => UMLAUTS[pair] ?? pair);
    const first = marked.length < 3 ? marked.length : regionOf(marked, 0, isVowel);
    const r1 = Math.max(first, Math.min(3, marked.length));
    const r2 = regionOf(marked, first, isVowel);
    const out = removeDerivation(removeComparison(removeInflection(marked, r1), r1), r1, r2);
    return out.replace(/[AOWUY]/g, (letter) => PLAIN[letter]);
  }

  addLanguage("german", stem, STOP_WORDS);
})();
