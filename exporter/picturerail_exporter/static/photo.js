// The arrow keys on a picture's page.
"use strict";

(() => {
  const KEYS = new Map([
    ["ArrowLeft", "prev"],
    ["ArrowRight", "next"],
  ]);

  document.addEventListener("keydown", (event) => {
    const to = KEYS.get(event.key);
    const busy = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    const typing = event.target instanceof HTMLInputElement;
    const searching = document.getElementById("results")?.hidden === false;
    if (!to || busy || typing || searching) {
      return;
    }
    const link = document.querySelector(`link[rel="${to}"]`);
    if (link instanceof HTMLLinkElement) {
      // In place of this page: "back" leads to the grid, not through every picture seen.
      location.replace(link.href);
    }
  });
})();
