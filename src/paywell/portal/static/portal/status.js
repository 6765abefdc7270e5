/* While a payment is open, ask now and then whether its page would say something else. Slower with time. */
"use strict";

(() => {
  const place = document.querySelector("[data-status-url]");
  if (!place) return;
  let wait = 2000;

  async function ask() {
    try {
      const answer = await fetch(place.dataset.statusUrl, { credentials: "same-origin", redirect: "manual", headers: { "X-Background": "1" } });
      if (answer.type === "opaqueredirect") return window.location.reload();
      if (answer.ok && (await answer.json()).screen !== place.dataset.screen) return window.location.reload();
    } catch {
      /* Offline for a moment: ask again later. */
    }
    wait = Math.min(wait * 1.3, 20000);
    return window.setTimeout(ask, wait);
  }
  window.setTimeout(ask, wait);
})();
