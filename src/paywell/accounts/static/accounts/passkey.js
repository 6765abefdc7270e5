/* Passkeys: show their button where the browser can do them, and say so in the page when one was not used. */
(function () {
  'use strict'
  if (!window.PublicKeyCredential) return
  document.querySelectorAll('[data-passkey-login]').forEach(function (part) { part.hidden = false })
  document.addEventListener('allauth.error', function (event) {
    event.preventDefault()
    document.querySelectorAll('[data-passkey-failed]').forEach(function (line) { line.hidden = false })
  })
})()
