// The card fields' side of the conversation with the portal's page. See docs/test-processors.md for the messages.
"use strict";

(() => {
  const { account, parent: parentOrigin } = document.documentElement.dataset;
  const form = document.getElementById("card");
  const input = (name) => form.elements[name];
  const names = ["number", "exp", "cvc", "zip"];
  let lastHeight = 0;

  const tell = (message) => window.parent.postMessage(message, parentOrigin);

  function tellHeight() {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height !== lastHeight) {
      lastHeight = height;
      tell({ type: "paywell-test:height", height });
    }
  }

  function showErrors(errors) {
    for (const name of names) {
      const place = document.getElementById(`card-${name}-error`);
      place.textContent = errors[name] || "";
      place.hidden = !errors[name];
      if (errors[name]) input(name).setAttribute("aria-invalid", "true");
      else input(name).removeAttribute("aria-invalid");
    }
    tellHeight();
  }

  async function tokenize(id) {
    const card = Object.fromEntries(names.map((name) => [name, input(name).value]));
    try {
      const response = await fetch("/fields/tokens/", {
        method: "POST",
        credentials: "omit",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ account, ...card }),
      });
      const answer = await response.json();
      if (answer.token) {
        showErrors({});
        tell({ type: "paywell-test:token", id, token: answer.token, brand: answer.brand, last4: answer.last4 });
      } else if (answer.errors) {
        showErrors(answer.errors);
        const first = names.find((name) => answer.errors[name]);
        input(first).focus();
        tell({ type: "paywell-test:error", id, field: first, message: answer.errors[first] });
      } else {
        throw new Error("neither token nor errors");
      }
    } catch {
      tell({ type: "paywell-test:error", id, field: "", message: "The card could not be read. You have not been charged. Try again." });
    }
  }

  window.addEventListener("message", (event) => {
    if (event.origin !== parentOrigin || event.source !== window.parent || !event.data) return;
    if (event.data.type === "paywell-test:tokenize") tokenize(event.data.id);
    if (event.data.type === "paywell-test:focus") input("number").focus();
    if (event.data.type === "paywell-test:hello") {
      lastHeight = 0;
      tell({ type: "paywell-test:ready" });
      tellHeight();
    }
  });

  // Groups of four, and the slash of the date, while one types at the end of the field.
  input("number").addEventListener("input", (event) => {
    const field = event.target;
    if (field.selectionStart !== field.value.length) return;
    const digits = field.value.replace(/\D/g, "").slice(0, 19);
    const groups = /^3[47]/.test(digits) ? [digits.slice(0, 4), digits.slice(4, 10), digits.slice(10)] : digits.match(/.{1,4}/g) || [];
    field.value = groups.filter(Boolean).join(" ");
  });
  input("exp").addEventListener("input", (event) => {
    const field = event.target;
    if (event.inputType && event.inputType.startsWith("delete")) return;
    const digits = field.value.replace(/\D/g, "");
    if (/^\d{2}$/.test(field.value)) field.value = `${digits}/`;
    // Whoever types the slash too finds one there already.
    else if (/^\d{2}\/{2}/.test(field.value)) field.value = field.value.replace("//", "/");
    else if (/^\d{3,4}$/.test(field.value)) field.value = `${digits.slice(0, 2)}/${digits.slice(2)}`;
  });
  // Enter in a field is the portal's button.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    tell({ type: "paywell-test:submit" });
  });

  new ResizeObserver(tellHeight).observe(document.body);
  tell({ type: "paywell-test:ready" });
  tellHeight();
})();
