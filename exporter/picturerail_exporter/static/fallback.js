// A picture that scripts hung and that this browser cannot show is fetched once more, as a JPEG: the
// pages' own pictures name all formats in their markup, those of scrolling and of a search do not.
// Only sites that have JPEG files have this script.
"use strict";

document.addEventListener(
  "error",
  (event) => {
    const image = event.target;
    if (image instanceof HTMLImageElement && /\/media\/.*\.webp$/.test(image.src)) {
      const wider = image.srcset.replace(/\.webp(?= )/g, ".jpeg");
      const jpeg = image.src.replace(/\.webp$/, ".jpeg");
      image.srcset = wider;
      image.src = jpeg;
    }
  },
  true, // errors do not bubble
);
