// The search at the top of the desk, while one types: a list below the field, for the eye, the keys and screen readers.
// Without this file the field is an ordinary form that opens the page of results.
// The words go in the body of the request, never in an address.
"use strict";

(() => {
  const input = document.querySelector("[data-desk-search]");
  const form = input.form;
  const list = document.getElementById("desk-found");
  const status = document.getElementById("desk-found-status");
  const token = () => document.querySelector("input[name=csrfmiddlewaretoken]").value;
  const options = () => [...list.querySelectorAll("[role=option]:not([aria-disabled])")];
  let timer = 0;
  let running = null;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  const mark = (option) => {
    for (const one of options()) one.setAttribute("aria-selected", String(one === option));
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };
  const open = (is) => {
    list.hidden = !is;
    input.setAttribute("aria-expanded", String(is));
    if (!is) mark(null);
  };
  const close = () => {
    clearTimeout(timer);
    running?.abort();
    open(false);
    status.textContent = "";
  };
  const choose = (option) => (option.dataset.href ? location.assign(option.dataset.href) : form.requestSubmit());

  const find = async () => {
    running?.abort();
    running = new AbortController();
    const body = new URLSearchParams({ q: input.value, csrfmiddlewaretoken: token() });
    try {
      const answer = await fetch(form.action, { method: "POST", body, signal: running.signal, credentials: "same-origin", redirect: "manual" });
      if (!answer.ok) return close();
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-found]");
      list.replaceChildren(...found.querySelector("[data-options]").childNodes);
      status.textContent = found.dataset.found;
      open(true);
    } catch (error) {
      if (error.name !== "AbortError") close(); // offline: Enter still opens the page of results
    }
    return undefined;
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    if (!input.value.trim()) return close();
    timer = setTimeout(find, 180);
    return undefined;
  });

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const all = options();
    const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) {
      event.preventDefault();
      if (list.hidden) open(true);
      const next = at < 0 && step < 0 ? all.length - 1 : at + step;
      mark(all[next] ?? null); // past either end the words themselves stand again
    } else if (event.key === "Enter" && at >= 0 && !list.hidden) {
      event.preventDefault();
      choose(all[at]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });

  // A press on an entry must not take the focus away before it counts.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]:not([aria-disabled])");
    if (option) choose(option);
  });
  input.addEventListener("blur", close);
  form.addEventListener("submit", close);
})();
