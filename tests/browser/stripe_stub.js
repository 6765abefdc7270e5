// @ts-check
/* Stands in for Stripe.js where there is no network: the calls that our adapter makes, with the types of
   @stripe/stripe-js. The fields live in a frame of Stripe's origin, as the real ones do; what is typed goes from the
   frame to Stripe's API, and only a token comes back to the page. */
"use strict";

(() => {
  const ORIGIN = "https://js.stripe.com";
  /** @type {HTMLIFrameElement | null} */
  let frame = null;
  /** @type {Map<string, (value: any) => void>} */
  const listeners = new Map();

  /** @param {string} question @param {string} answer @returns {Promise<any>} */
  function ask(question, answer) {
    return new Promise((resolve) => {
      listeners.set(answer, resolve);
      frame?.contentWindow?.postMessage({ stub: question }, ORIGIN);
    });
  }

  window.addEventListener("message", (event) => {
    if (event.origin !== ORIGIN || event.source !== frame?.contentWindow) return;
    const heard = listeners.get(event.data.stub);
    if (heard) heard(event.data);
  });

  /** @type {(key: string, options?: import("@stripe/stripe-js").StripeConstructorOptions) => any} */
  const stub = (key) => {
    if (!/^pk_test_/.test(key)) throw new Error("no publishable key");
    /** @type {Record<string, unknown>} */
    let settings = {};
    return {
      /** @param {import("@stripe/stripe-js").StripeElementsOptionsMode} options */
      elements(options) {
        settings = { ...options };
        return {
          create: () => ({
            /** @param {string} event @param {(value: any) => void} handler */
            on(event, handler) {
              listeners.set(event, handler);
            },
            /** @param {HTMLElement} place */
            mount(place) {
              frame = document.createElement("iframe");
              frame.src = `${ORIGIN}/stub/fields.html?key=${key}`;
              frame.title = "Secure payment input frame";
              place.append(frame);
            },
            focus: () => frame?.focus(),
          }),
          /** @param {object} changes */
          update(changes) {
            settings = { ...settings, ...changes };
          },
          submit: () => ask("check", "checked"),
        };
      },
      createConfirmationToken: async () => {
        if (!Number.isInteger(settings.amount)) throw new Error("no amount");
        return ask("tokenize", "tokenized");
      },
    };
  };
  window.Stripe = /** @type {any} */ (stub);
})();
