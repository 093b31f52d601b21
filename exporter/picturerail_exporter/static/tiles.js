// A picture's tile as scrolling hangs it: the same as the pages' own, made of what a shard knows.
"use strict";

(() => {
  const { Rows } = Picturerail;

  const Tiles = {
    /**
     * Make a tile whose picture waits to be fetched; until then its placeholder shows.
     * @param {ScrollPicture} picture
     * @param {number} height in pixels
     * @param {ScrollRoot} root how the files are named
     * @param {URL} site the site's own address
     * @returns {HTMLElement}
     */
    make(picture, height, root, site) {
      const [id, shape, width, tall, revision, digest, wider, widerName, tiny, alt] = picture;
      const link = document.createElement("a");
      link.className = `tile s${shape}`;
      link.href = `${site.href}photo/${id}/index.html`;
      link.dataset.photoId = String(id);
      link.style.width = `${Rows.ratio(picture) * height}px`;
      if (tiny) {
        const blur = new Image();
        blur.className = "placeholder";
        blur.alt = "";
        blur.setAttribute("aria-hidden", "true");
        blur.src = tiny;
        link.append(blur);
      }
      const full = new Image(width, tall);
      full.addEventListener("load", () => link.querySelector(".placeholder")?.remove(), { once: true });
      const media = `${site.href}media/`;
      const folder = (id % 256).toString(16).padStart(2, "0");
      full.className = "picture near";
      full.alt = alt;
      full.decoding = "async";
      full.dataset.src = `${media}${folder}/${id}-${revision}${root.tile}`;
      if (wider) {
        const large = `${digest}${root.ending}${root.names[widerName]}${root.suffix}`;
        const file = `${media}${digest.slice(0, 2)}/${large}`;
        full.dataset.wider = `${full.dataset.src} ${width}w, ${file} ${wider}w`;
        full.sizes = `${Math.round(Rows.ratio(picture) * height)}px`;
      }
      link.append(full);
      return link;
    },

    /**
     * Fetch the pictures of the tiles in an element.
     * @param {HTMLElement} element
     */
    fetch(element) {
      for (const each of element.querySelectorAll("img[data-src]")) {
        const image = /** @type {HTMLImageElement} */ (each);
        image.srcset = image.dataset.wider ?? "";
        image.src = image.dataset.src ?? "";
        delete image.dataset.src;
      }
    },
  };

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Tiles });
})();
