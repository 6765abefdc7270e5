/* With all cookies blocked a sign-in would loop: say so before anything is typed. navigator.cookieEnabled alone does
   not tell everywhere, so a cookie is tried and taken back at once. */
"use strict";

(() => {
  const banner = document.querySelector("[data-cookies-blocked]");
  if (!banner) return;
  let isBlocked = !navigator.cookieEnabled;
  try {
    document.cookie = "cookie-try=1; SameSite=Lax; Path=/account/";
    isBlocked = isBlocked || !document.cookie.includes("cookie-try=1");
    document.cookie = "cookie-try=; SameSite=Lax; Path=/account/; Max-Age=0";
  } catch {
    isBlocked = true;
  }
  banner.hidden = !isBlocked;
})();
