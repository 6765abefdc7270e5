/* Warns two minutes before the server signs the person out, and lets them stay by one press.
   The server decides; this page only counts along. All open tabs count together. */
(function () {
  'use strict'
  var dialog = document.getElementById('idle')
  if (!dialog) return
  var form = dialog.querySelector('[data-keep-alive]')
  var left = dialog.querySelector('[data-left]')
  var unreachable = dialog.querySelector('[data-unreachable]')
  var allowed = Number(dialog.dataset.minutes) * 60000
  var warning = Math.min(120000, allowed / 2)
  var endsAt = Date.now() + allowed
  var asking = false
  var tabs = 'BroadcastChannel' in window ? new BroadcastChannel('paywell-idle') : null

  function stay (milliseconds, tell) {
    endsAt = Date.now() + milliseconds
    unreachable.hidden = true
    if (dialog.open && milliseconds > warning) dialog.close()
    if (tell && tabs) tabs.postMessage(milliseconds)
  }

  function leave () {
    var next = location.pathname + location.search
    location.replace(dialog.dataset.signIn + '?why=idle&next=' + encodeURIComponent(next))
  }

  function ask (method) {
    if (asking) return
    asking = true
    var options = { method: method, headers: { 'X-Background': '1' }, credentials: 'same-origin' }
    if (method === 'POST') {
      options = { method: 'POST', body: new FormData(form), credentials: 'same-origin' }
    }
    fetch(form.action, options).then(function (response) {
      if (response.status === 401 || response.status === 403) return leave()
      if (!response.ok) throw new Error(String(response.status))
      return response.json().then(function (answer) {
        if (answer.left_s <= 0) return leave()
        stay(answer.left_s * 1000, method === 'POST')
      })
    }).catch(function () {
      unreachable.hidden = false
    }).finally(function () { asking = false })
  }

  function tick () {
    var rest = endsAt - Date.now()
    if (rest <= 0) {
      if (rest < -30000) return leave()
      return ask('GET')
    }
    if (rest > warning) return
    var seconds = Math.ceil(rest / 1000)
    left.textContent = Math.floor(seconds / 60) + ':' + String(seconds % 60).padStart(2, '0')
    if (!dialog.open) dialog.showModal()
  }

  if (tabs) tabs.addEventListener('message', function (event) { stay(Number(event.data), false) })
  form.addEventListener('submit', function (event) {
    event.preventDefault()
    ask('POST')
  })
  dialog.addEventListener('cancel', function (event) {
    event.preventDefault()
    ask('POST')
  })
  document.addEventListener('visibilitychange', tick)
  if (tabs) tabs.postMessage(allowed)
  setInterval(tick, 1000)
})()
