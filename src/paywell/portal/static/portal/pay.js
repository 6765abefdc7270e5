/* Make a Payment: Check All, the sum of what is ticked, and the window over the page.
   Without this script the same form leads to the window as a page of its own. */
"use strict";

(() => {
  const list = document.querySelector("[data-pay-list]");
  const dialog = document.getElementById("pay-window");
  if (!list || !dialog) return;

  const boxes = [...list.querySelectorAll("input[name=line]")];
  const shown = boxes.filter((box) => box.closest("table"));
  const checkAll = list.querySelector("[data-check-all]");
  const checkAllBox = checkAll && checkAll.querySelector("input");
  const count = list.querySelector("[data-sum-count]");
  const sum = list.querySelector("[data-sum]");
  const words = list.querySelector("[data-sum-text]").dataset;
  const money = new Intl.NumberFormat(list.dataset.locale.replace("_", "-"), {
    style: "currency",
    currency: list.dataset.currency,
  });
  const decimals = money.resolvedOptions().maximumFractionDigits;

  /* Whole minor units are added; the decimal point is set as text, so no cent can be lost. */
  function write(minor) {
    const digits = String(minor).padStart(decimals + 1, "0");
    return money.format(decimals ? `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}` : digits);
  }

  function show() {
    const ticked = boxes.filter((box) => box.checked);
    list.classList.toggle("has-ticked", ticked.length > 0);
    const total = ticked.reduce((minor, box) => minor + Number(box.dataset.minor), 0);
    count.textContent = ticked.length === 1 ? words.one : words.many.replace("%s", String(ticked.length));
    sum.textContent = ticked.length ? write(total) : "";
    sum.classList.add("money");
    if (checkAllBox) {
      const here = shown.filter((box) => box.checked).length;
      checkAllBox.checked = here > 0 && here === shown.length;
      checkAllBox.indeterminate = here > 0 && here < shown.length;
    }
  }

  if (checkAll) {
    checkAll.hidden = false;
    checkAllBox.addEventListener("change", () => {
      for (const box of shown) box.checked = checkAllBox.checked;
      show();
    });
  }
  list.addEventListener("change", show);
  window.addEventListener("pageshow", show);

  /* ---- The window ---- */
  const content = dialog.querySelector("[data-window-content]");
  let opener = null;
  let loading = false;

  async function open(address, from) {
    if (loading) return;
    loading = true;
    opener = from;
    try {
      const answer = await fetch(address, {
        headers: { "X-Paywell-Fragment": "window" },
        credentials: "same-origin",
        redirect: "manual",
      });
      const html = answer.ok ? await answer.text() : "";
      if (!html.includes("data-pay-form")) throw new Error("not a window");
      content.innerHTML = html;
      dialog.showModal();
      const title = content.querySelector("#window-title");
      if (title) title.focus();
      document.dispatchEvent(new CustomEvent("paywell:window", { detail: content.querySelector("[data-pay-form]") }));
    } catch {
      window.location.assign(address);
    } finally {
      loading = false;
    }
  }

  list.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-window]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open(link.href, link);
  });
  list.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || !button.matches("[data-pay-ticked]")) return;
    event.preventDefault();
    const chosen = new URLSearchParams();
    for (const box of boxes) if (box.checked) chosen.append("line", box.value);
    if (![...chosen].length) return;
    open(`${list.action}?${chosen}`, button);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    content.replaceChildren();
    if (opener && opener.isConnected) opener.focus();
    opener = null;
  });
  show();
})();
