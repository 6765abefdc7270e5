/* The processor's own card fields inside our page. They live in a frame from the processor's origin: what is
   typed there never reaches this page. We ask for a single-use token, put it into the form, and send the form.
   Only messages from that origin and that very frame are heard. */
"use strict";

(() => {
  const PREFIX = "paywell-test:";
  const LOAD_MS = 15000;
  const ANSWER_MS = 30000;

  function attach(form) {
    const place = form.querySelector("[data-fields-url]");
    if (!place || !place.dataset.fieldsUrl) return;
    const { fieldsUrl, fieldsOrigin, title, slow, silent } = place.dataset;
    const error = form.querySelector("[data-card-error]");
    const token = form.querySelector("input[name=card_token]");
    const frame = document.createElement("iframe");
    let isReady = false;
    let asked = "";
    let timer = 0;

    const isNew = () => {
      const chosen = form.querySelector("input[name=card]:checked");
      return chosen !== null && chosen.value === "new";
    };
    function tell(message) {
      error.hidden = !message;
      error.querySelector("span").textContent = message || "";
    }
    function fail(message) {
      window.clearTimeout(timer);
      asked = "";
      tell(message);
      form.paywell.ready();
    }

    function load() {
      if (frame.isConnected || !isNew()) return;
      place.hidden = false;
      frame.title = title;
      const address = new URL(fieldsUrl);
      if (!address.searchParams.has("parent")) address.searchParams.set("parent", window.location.origin);
      frame.src = address.href;
      frame.referrerPolicy = "no-referrer";
      frame.setAttribute("allow", "payment 'none'; camera 'none'; microphone 'none'; geolocation 'none'");
      place.append(frame);
      window.setTimeout(() => {
        if (!isReady && form.isConnected) tell(slow);
      }, LOAD_MS);
    }

    function hear(event) {
      if (!form.isConnected) return window.removeEventListener("message", hear);
      if (event.origin !== fieldsOrigin || event.source !== frame.contentWindow) return undefined;
      const said = event.data;
      if (typeof said !== "object" || said === null || typeof said.type !== "string") return undefined;
      if (!said.type.startsWith(PREFIX)) return undefined;
      const kind = said.type.slice(PREFIX.length);
      if (kind === "ready") {
        isReady = true;
        tell("");
        const wait = place.querySelector(".frame-wait");
        if (wait) wait.remove();
      }
      if (kind === "height" && Number.isFinite(said.height)) {
        frame.height = String(Math.min(Math.max(Math.ceil(said.height), 80), 900));
      }
      if (kind === "submit" && !asked) form.requestSubmit(form.querySelector("[data-pay]"));
      /* Enter in a card field is the button. */
      if (kind === "submit" && isNew()) form.requestSubmit();
      if (asked && (said.id === undefined || said.id === asked)) {
        if (kind === "token" && typeof said.token === "string" && said.token) {
          window.clearTimeout(timer);
          token.value = said.token;
          form.dataset.sent = "yes";
          form.submit();
        }
        if (kind === "error") {
          fail(typeof said.message === "string" ? said.message.slice(0, 300) : silent);
          frame.focus();
        }
      }
      return undefined;
    }

    window.addEventListener("message", hear);
    form.addEventListener("change", load);
    form.addEventListener("submit", (event) => {
      if (!isNew() || event.defaultPrevented) return;
      event.preventDefault();
      if (asked || form.dataset.sent) return;
      tell("");
      asked = crypto.randomUUID ? crypto.randomUUID() : String(Date.now());
      form.paywell.busy();
      timer = window.setTimeout(() => fail(silent), ANSWER_MS);
      frame.contentWindow.postMessage({ type: `${PREFIX}tokenize`, id: asked }, fieldsOrigin);
    });
    window.addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      token.value = "";
      asked = "";
    });
    load();
  }

  document.addEventListener("paywell:form", (event) => attach(event.detail));
})();
