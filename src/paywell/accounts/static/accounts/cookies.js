/* With all cookies blocked a sign-in would loop: say so before anything is typed. */
"use strict";

(() => {
  const banner = document.querySelector("[data-cookies-blocked]");
  if (banner && !navigator.cookieEnabled) banner.hidden = false;
})();
