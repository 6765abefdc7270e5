// Single keys for whoever works at the desk all day. Shown by "?", and turned off there. Nothing needs them.
//   /  search        ?  these keys      j k  down and up in a list      n b  next and one before of the last list
//   any link or button with data-key="x" is pressed by x
"use strict";

(() => {
  const OFF = "desk-keys-off";
  const LIST = "desk-list";
  const HERE = "desk-here";
  const dialog = document.getElementById("keys");
  const rows = () => [...document.querySelectorAll("main .lead-cell a, main .links > li > a")].filter((a) => a.offsetParent);
  const isOff = () => localStorage.getItem(OFF) === "yes";

  const move = (step) => {
    const all = rows();
    const at = all.indexOf(document.activeElement);
    all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)]?.focus();
  };

  // Which list the open record came from: addresses alone, and only for this tab.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("main .lead-cell a, main .links > li > a");
    if (link) sessionStorage.setItem(LIST, JSON.stringify(rows().map((a) => a.pathname)));
  });

  // The entry of the list that was open last stands, also where an act led away from its record: the payment just recorded.
  const list = () => JSON.parse(sessionStorage.getItem(LIST) || "[]");
  const here = list().find((path) => location.pathname.startsWith(path));
  if (here) sessionStorage.setItem(HERE, here);

  const leap = (step) => {
    const next = list()[list().indexOf(sessionStorage.getItem(HERE)) + step];
    if (list().includes(sessionStorage.getItem(HERE)) && next) location.assign(next);
  };

  const acts = {
    "/": () => document.querySelector("[data-desk-search]")?.focus(),
    "?": () => dialog.showModal(),
    j: () => move(1),
    k: () => move(-1),
    n: () => leap(1),
    b: () => leap(-1),
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable], dialog[open]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || (isOff() && event.key !== "?")) return;
    const target = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key && one.offsetParent);
    const act = target ? () => target.click() : acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  const button = document.querySelector("[data-show-keys]");
  button.hidden = false;
  button.addEventListener("click", acts["?"]);

  const box = dialog.querySelector("[data-keys-on]");
  box.checked = !isOff();
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "yes");
  });
})();
