/* Passkeys: show their button where the browser can do them, and say so in the page when one was not used. */
(function () {
  'use strict'
  // Browsers bind passkeys to a name; at a bare IP address, as in the demonstration, they refuse them.
  if (!window.PublicKeyCredential || /^[\d.]+$|:/.test(window.location.hostname)) return
  document.querySelectorAll('[data-passkey-login]').forEach(function (part) { part.hidden = false })
  document.addEventListener('allauth.error', function (event) {
    event.preventDefault()
    document.querySelectorAll('[data-passkey-failed]').forEach(function (line) { line.hidden = false })
  })
})()
