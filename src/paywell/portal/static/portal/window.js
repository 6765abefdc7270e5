/* The window's form: the amount on the button, the counter of the notes, one press only.
   The server checks everything again; this only spares a way there and back. */
"use strict";

(() => {
  function attach(form) {
    if (!form || form.dataset.attached) return;
    form.dataset.attached = "yes";
    const button = form.querySelector("[data-pay]");
    const label = form.querySelector("[data-pay-label]");
    const live = form.querySelector("[data-live]");
    const amount = form.querySelector("input[name=amount]");
    const onButton = form.querySelector("[data-pay-amount]");
    const name = label.textContent;
    const money = new Intl.NumberFormat(form.dataset.locale.replace("_", "-"), {
      style: "currency",
      currency: form.dataset.currency,
    });

    /* Whole minor units, as typed; null while that is no amount. */
    function typedMinor() {
      const typed = amount.value.trim().replace(/^\$\s*/, "");
      const plain = /^[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$/.test(typed) ? typed.replaceAll(",", "") : typed;
      const parts = /^([0-9]{1,9})(?:\.([0-9]{1,2}))?$/.exec(plain);
      return parts ? Number(parts[1]) * 100 + Number((parts[2] || "").padEnd(2, "0")) : null;
    }

    function fault() {
      if (!amount) return "";
      const minor = typedMinor();
      if (minor === null) return "invalid";
      if (minor === 0) return "zero";
      if (minor > Number(amount.dataset.max)) return "above";
      onButton.textContent = money.format(`${Math.floor(minor / 100)}.${String(minor % 100).padStart(2, "0")}`);
      onButton.classList.add("money");
      return "";
    }

    function tell(code) {
      const place = form.querySelector("[data-error-for=pay-amount]");
      if (!place) return;
      place.hidden = !code;
      place.querySelector("span").textContent = code ? place.dataset[code] : "";
      if (code) amount.setAttribute("aria-invalid", "true");
      else amount.removeAttribute("aria-invalid");
      const described = code ? "pay-amount-hint pay-amount-error" : "pay-amount-hint";
      amount.setAttribute("aria-describedby", described);
    }

    if (amount && amount.dataset.max) {
      amount.addEventListener("input", () => {
        const code = fault();
        if (!code) tell("");
        else onButton.textContent = "";
      });
      amount.addEventListener("change", () => tell(fault()));
    }

    const notes = form.querySelector("textarea[data-limit]");
    const counter = form.querySelector("[data-counter]");
    if (notes) {
      const limit = Number(notes.dataset.limit);
      const count = () => {
        const used = [...notes.value].length;
        counter.textContent = `${used} / ${limit}`;
        counter.toggleAttribute("data-over", used > limit);
        if (used > limit) notes.setAttribute("aria-invalid", "true");
        else notes.removeAttribute("aria-invalid");
      };
      notes.addEventListener("input", count);
      count();
    }

    /* fields.js asks these before and while it gets a token from the card fields. */
    form.paywell = {
      busy() {
        button.setAttribute("aria-disabled", "true");
        label.textContent = form.dataset.busy;
        live.textContent = form.dataset.busy;
      },
      ready() {
        button.removeAttribute("aria-disabled");
        delete form.dataset.sent;
        label.textContent = name;
        live.textContent = "";
      },
      amountMinor: () => (amount ? typedMinor() : null) || Number(form.dataset.total),
      check() {
        const code = fault();
        tell(code);
        if (code) amount.focus();
        const isLong = notes !== null && [...notes.value].length > Number(notes.dataset.limit);
        if (isLong && !code) notes.focus();
        return !code && !isLong;
      },
    };

    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) return event.preventDefault();
      if (!form.paywell.check()) {
        event.stopImmediatePropagation();
        return event.preventDefault();
      }
      return undefined;
    });
    /* Bubbles up last, after fields.js has had its say. */
    form.parentElement.addEventListener("submit", (event) => {
      if (event.target !== form || event.defaultPrevented) return;
      form.dataset.sent = "yes";
      form.paywell.busy();
    });
    window.addEventListener("pageshow", (event) => {
      if (event.persisted && form.isConnected) form.paywell.ready();
    });
    const summary = form.querySelector("[data-summary]");
    if (summary) summary.focus();
    document.dispatchEvent(new CustomEvent("paywell:form", { detail: form }));
  }

  document.addEventListener("paywell:window", (event) => attach(event.detail));
  document.querySelectorAll("[data-pay-form]").forEach(attach);
})();
