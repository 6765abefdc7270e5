/* Goes on to the processor by itself, once. Who comes back here by the browser's Back stays and may choose. */
"use strict";

(() => {
  const form = document.querySelector("form[data-leave]");
  const [visit] = performance.getEntriesByType("navigation");
  if (form && !(visit && visit.type === "back_forward")) form.submit();
})();
