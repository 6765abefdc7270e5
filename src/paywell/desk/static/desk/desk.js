// The desk works without this file. It adds: lists that filter as one types, Check All,
// buttons that can't be pressed twice, and the progress of long work.
"use strict";

// A page that was fetched for a part of it. Its style element bears the nonce of its own answer, which this page's
// policy would refuse and report, so it is left out.
const parse = (html) => new DOMParser().parseFromString(html.replace(/<style[^>]*>[^]*?<\/style>/g, ""), "text/html");

for (const form of document.querySelectorAll("form[data-live]")) {
  const target = () => document.querySelector(form.dataset.live);
  let timer = 0;
  let running = null;

  const load = async () => {
    const url = new URL(form.action || location.href);
    url.search = new URLSearchParams(new FormData(form)).toString();
    running?.abort();
    running = new AbortController();
    try {
      const answer = await fetch(url, { signal: running.signal, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return location.assign(url);
      const page = parse(await answer.text());
      const found = page.querySelector(form.dataset.live);
      if (found) target().replaceChildren(...found.childNodes);
      history.replaceState(null, "", url);
    } catch (error) {
      if (error.name !== "AbortError") form.submit();
    }
  };

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(load, 180);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    load();
  });
  target()?.setAttribute("aria-live", "polite");
}

/* An amount that stands there already gives way to the one that is typed, as in a field reached with Tab. */
const first = document.querySelector("input[autofocus][inputmode=decimal]");
if (first && first.value && !document.querySelector(".error-summary")) {
  first.focus();
  first.select();
}

/* A strip of tabs that is wider than a phone begins where one is. */
for (const here of document.querySelectorAll(":is(.rail-nav, .tabs, .only) [aria-current]")) {
  const strip = here.closest(".rail-nav, .tabs, .only");
  const [seen, place] = [strip.getBoundingClientRect(), here.getBoundingClientRect()];
  if (place.right > seen.right || place.left < seen.left) strip.scrollLeft += place.left - seen.left - (seen.width - place.width) / 2;
}

for (const form of document.querySelectorAll("form[data-check-all]")) {
  const all = form.querySelector("[data-all]");
  const boxes = [...form.querySelectorAll("input[type=checkbox][name]")];
  const show = () => {
    const count = boxes.filter((box) => box.checked).length;
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  };
  all.closest("[data-needs-js]").hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
  });
  form.addEventListener("change", show);
  show();
}

for (const button of document.querySelectorAll("[data-once]")) {
  button.form.addEventListener("submit", (event) => {
    if (button.form.dataset.sent) event.preventDefault();
    button.form.dataset.sent = "yes";
    button.setAttribute("aria-disabled", "true");
  });
}

// Diagnosis codes are found as one types; the words go in the body of the request, never in an address.
for (const form of document.querySelectorAll("form[data-find-codes]")) {
  const code = form.elements.code;
  const found = document.getElementById("codes-found");
  let timer = 0;
  let running = null;

  const find = async () => {
    const body = new FormData(form);
    body.set("step", "search");
    body.delete("pick");
    running?.abort();
    running = new AbortController();
    try {
      const answer = await fetch(location.href, { method: "POST", body, signal: running.signal, credentials: "same-origin", redirect: "manual" });
      if (!answer.ok) return;
      const page = parse(await answer.text());
      found.replaceChildren(...page.getElementById("codes-found").childNodes);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };

  code.addEventListener("input", () => {
    clearTimeout(timer);
    if (code.value.trim().length > 1) timer = setTimeout(find, 200);
    else found.replaceChildren();
  });
  found.addEventListener("change", (event) => {
    code.value = event.target.value;
    form.elements.description.value = event.target.dataset.description;
  });
}

// A diagnosis is offered for the days on which it holds. Without this file the server refuses the others by words.
const dated = [...document.querySelectorAll("input[data-from]")];
if (dated.length) {
  const day = dated[0].form.elements.on;
  const offer = () => {
    for (const box of dated) {
      const holds = !day.value || (box.dataset.from <= day.value && (!box.dataset.until || day.value <= box.dataset.until));
      if (!holds) box.checked = false;
      box.closest("label").hidden = !holds;
    }
  };
  day.addEventListener("input", offer);
  offer();
}

// Long work: look again every other second until it has ended; then load the page with what came of it.
const progress = document.querySelector("[data-poll]");
if (progress) {
  const look = async () => {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "manual", headers: { "X-Background": "1" } });
      if (!answer.ok) return location.reload();
      const found = parse(await answer.text()).getElementById("progress");
      if (!found || !found.hasAttribute("data-poll")) return location.reload();
      const bar = progress.querySelector("progress");
      const next = found.querySelector("progress");
      if (bar && next && next.hasAttribute("value")) {
        bar.max = next.max;
        bar.value = next.value;
      }
      for (const part of ["#progress-words", ".badge"]) progress.querySelector(part)?.replaceWith(found.querySelector(part));
    } catch {
      // Offline for a moment: ask again.
    }
    return setTimeout(look, 2000);
  };
  setTimeout(look, 1500);
}

document.getElementById("errors")?.focus();

for (const button of document.querySelectorAll("[data-copy-from]")) {
  const label = button.querySelector("span");
  button.closest("[data-needs-js]").hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copyFrom);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      label.textContent = button.dataset.done;
    } catch {
      /* Not allowed here: the address is selected, to copy by hand. */
    }
  });
}
