// How pictures hang in rows that are all about equally high, the last one too. Knows nothing of the
// page: widths and heights are pixels, a shape is a width over a height.
"use strict";

(() => {
  const Rows = {
    /**
     * A picture's shape, which is stored as a step on a scale.
     * @param {ScrollPicture} picture
     */
    ratio(picture) {
      return 1.04 ** picture[1];
    },

    /**
     * Part pictures into rows that are as equally high as their shapes allow.
     * @param {ScrollPicture[]} pictures
     * @param {ScrollPage} page
     * @returns {ScrollRow[]}
     */
    of(pictures, page) {
      const shapes = pictures.map(Rows.ratio);
      const total = shapes.reduce((sum, each) => sum + each, 0);
      const rows = [];
      let first = 0;
      let before = 0; // shapes in the rows so far
      let top = 0;
      for (let left = count(total, page); left > 0 && first < pictures.length; left--) {
        const wanted = (total - before) / left;
        let end = first;
        let held = 0;
        while (end < pictures.length && (left === 1 || end === first || held + shapes[end] / 2 <= wanted)) {
          held += shapes[end++];
        }
        const height = Math.min((page.width - page.gap * (end - first - 1)) / held, page.row * 1.8);
        rows.push({ first, end, top, height });
        top += height + page.gap;
        before += held;
        first = end;
      }
      return rows;
    },

    /**
     * The height of rows, with the gap below them.
     * @param {ScrollRow[]} rows
     * @param {ScrollPage} page
     */
    bottom(rows, page) {
      const last = rows[rows.length - 1];
      return last.top + last.height + page.gap;
    },

    /**
     * The height of pictures of which only number and sum of the shapes are known.
     * @param {{ count: number, shapes: number }} of
     * @param {ScrollPage} page
     */
    guess(of, page) {
      const rows = count(of.shapes, page);
      const gaps = page.gap * Math.max(0, of.count / rows - 1);
      return rows * ((page.width - gaps) / (of.shapes / rows) + page.gap);
    },
  };

  /**
   * @param {number} shapes
   * @param {ScrollPage} page
   */
  function count(shapes, page) {
    return Math.max(1, Math.round((shapes * page.row) / page.width));
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Rows });
})();
