// The files of the search index: how each is packed, and what rows it has.
// SEARCH_INDEX.md, beside the exporter, draws them.
"use strict";

(() => {
  const { Bytes } = globalThis.Picturerail;
  const MAGIC = [0x50, 0x52, 0x53, 0x58, 19]; // "PRSX" and the version
  const LOOK_BYTES = 3;
  const NO_LOOKS = new Uint8Array();

  /**
   * The body of a file.
   * @param {Uint8Array} file
   * @returns {Promise<Uint8Array>} rejected where it is damaged, or of another version
   */
  async function unpack(file) {
    if (!MAGIC.every((byte, at) => file[at] === byte)) {
      throw new Error("this is no file of a search index of this version");
    }
    const packed = new Blob([/** @type {any} */ (file.subarray(MAGIC.length))]);
    const stream = packed.stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /**
   * The rows of a body, each with what its documents look like.
   * @param {Uint8Array} body
   * @returns {Row[]}
   */
  function rowsOf(body) {
    const bytes = new Bytes(body);
    const length = bytes.number();
    const end = bytes.at + length;
    const every = (body.length - end) / LOOK_BYTES;
    let shown = end;
    /** @type {Row[]} */
    const rows = [];
    for (let key = ""; bytes.at < end; ) {
      key = bytes.key(key);
      const told = bytes.number();
      const count = told % 2 ? bytes.number() : 0;
      rows.push([key, bytes.take(told >>> 1), count ? looksOf(body, shown, every, count) : NO_LOOKS]);
      shown += count;
    }
    return rows;
  }

  /**
   * Looks that stand column after column, cut out of the columns of all.
   * @param {Uint8Array} body
   * @param {number} begin of these in the first column
   * @param {number} every look of the file
   * @param {number} count of these
   */
  function looksOf(body, begin, every, count) {
    const looks = new Uint8Array(count * LOOK_BYTES);
    for (let column = 0; column < LOOK_BYTES; column++) {
      looks.set(body.subarray(begin + every * column, begin + every * column + count), column * count);
    }
    return looks;
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { unpack, rowsOf });
})();
