// @ts-check
/* The processor's own card fields inside our page. What is typed there never reaches this page: the adapter, a
   script that the processor's connector brings, mounts the fields and trades them for a single-use token. We put
   the token into the form, and send the form.

   An adapter registers itself under its connector's name:

     paywellFields.register("example", {
       async mount(place, options) {           // called once a new card is wanted and options.scripts have loaded
         options.ready();                      // the fields can be used
         return {
           async tokenize(payment) { ... },    // gives the token; throws paywellFields.Problem to say what to correct
           focus() { ... },                    // optional: put the cursor into the first field
         };
       },
     });                                                                                                            */
"use strict";

/**
 * @typedef {object} FieldsOptions
 * @property {Record<string, string>} config  What the connector's `Fields.config` says.
 * @property {string} title  The fields' name for people who do not see them.
 * @property {string} locale  Like en_US.
 * @property {Payment} payment  As it stands when the fields are mounted.
 * @property {Look} look  Colors and type of the page.
 * @property {() => void} ready  Call it when the fields can be used.
 * @property {() => void} enter  Call it when Enter was pressed in a field.
 *
 * @typedef {object} Payment
 * @property {number} amountMinor  Whole minor units, as the button shows it now.
 * @property {string} currency  Like USD.
 * @property {boolean} keep  Whether the payer ticked the box to keep the card.
 *
 * @typedef {object} Look
 * @property {string} ink
 * @property {string} quiet
 * @property {string} card
 * @property {string} line
 * @property {string} accent
 * @property {string} bad
 * @property {string} font
 *
 * @typedef {object} MountedFields
 * @property {(payment: Payment) => Promise<string>} tokenize
 * @property {() => void} [focus]
 *
 * @typedef {object} FieldsAdapter
 * @property {(place: HTMLElement, options: FieldsOptions) => Promise<MountedFields>} mount
 *
 * @typedef {HTMLFormElement & {paywell: {busy(): void, ready(): void, amountMinor(): number}}} PayFormElement
 */

const paywellFields = (() => {
  const LOAD_MS = 15000;
  const ANSWER_MS = 30000;
  /** @type {Map<string, FieldsAdapter>} */
  const adapters = new Map();
  /** @type {Map<string, Promise<void>>} */
  const scripts = new Map();

  /** Something that the payer can correct, in words for the payer. */
  class Problem extends Error {}

  /** @param {string} name @param {FieldsAdapter} adapter */
  function register(name, adapter) {
    adapters.set(name, adapter);
  }

  /** The processor's own script, once for each page. @param {string} address */
  function load(address) {
    let loading = scripts.get(address);
    if (!loading) {
      loading = new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = address;
        script.addEventListener("load", () => resolve());
        script.addEventListener("error", () => {
          scripts.delete(address);
          script.remove();
          reject(new Error(`${address} did not load`));
        });
        document.head.append(script);
      });
      scripts.set(address, loading);
    }
    return loading;
  }

  /** @param {Element} element @returns {Look} */
  function look(element) {
    const style = window.getComputedStyle(element);
    /** @param {string} name */
    const color = (name) => style.getPropertyValue(name).trim();
    return {
      ink: color("--ink"),
      quiet: color("--quiet"),
      card: color("--card"),
      line: color("--line"),
      accent: color("--accent"),
      bad: color("--bad"),
      font: style.fontFamily,
    };
  }

  /** @param {PayFormElement} form */
  function attach(form) {
    const place = /** @type {HTMLElement | null} */ (form.querySelector("[data-fields]"));
    const error = /** @type {HTMLElement} */ (form.querySelector("[data-card-error]"));
    const token = /** @type {HTMLInputElement} */ (form.querySelector("input[name=card_token]"));
    // Not there for whoever pays by a link: a card is kept for a person.
    const keep = /** @type {HTMLInputElement | null} */ (form.querySelector("input[name=save_card]"));
    if (!place || !error || !token || !place.dataset.fields) return;
    const { fields: name = "", title = "", slow = "", silent = "" } = place.dataset;
    /** @type {Promise<MountedFields> | null} */
    let mounting = null;
    let isAsked = false;

    function isNew() {
      const chosen = /** @type {HTMLInputElement | null} */ (form.querySelector("input[name=card]:checked"));
      return chosen !== null && chosen.value === "new";
    }
    /** @param {string} message */
    function tell(message) {
      error.hidden = !message;
      const words = error.querySelector("span");
      if (words) words.textContent = message;
    }
    /** @returns {Payment} */
    function payment() {
      return {
        amountMinor: form.paywell.amountMinor(),
        currency: form.dataset.currency || "USD",
        keep: keep !== null && keep.checked,
      };
    }
    function ready() {
      tell("");
      place?.querySelector(".frame-wait")?.remove();
    }

    /** @returns {Promise<MountedFields>} */
    async function mount() {
      const adapter = adapters.get(name);
      if (!place || !adapter) throw new Error(`there is no adapter ${name}`);
      await Promise.all((place.dataset.scripts || "").split(" ").filter(Boolean).map(load));
      return adapter.mount(place, {
        config: JSON.parse(place.dataset.config || "{}"),
        title,
        locale: form.dataset.locale || "en_US",
        payment: payment(),
        look: look(form),
        ready,
        enter: () => {
          const button = /** @type {HTMLElement | null} */ (form.querySelector("[data-pay]"));
          if (isNew() && !isAsked) form.requestSubmit(button);
        },
      });
    }

    function show() {
      if (!place || mounting || !isNew()) return;
      place.hidden = false;
      mounting = mount();
      mounting.catch(() => {
        mounting = null; // choosing the new card again tries again
        if (form.isConnected) tell(slow);
      });
      window.setTimeout(() => {
        if (form.isConnected && place.querySelector(".frame-wait")) tell(slow);
      }, LOAD_MS);
    }

    /** @returns {Promise<string>} */
    function ask() {
      const silence = new Promise((_, reject) => {
        window.setTimeout(() => reject(new Problem(silent)), ANSWER_MS);
      });
      const answer = (async () => {
        if (!mounting) throw new Problem(slow);
        const fields = await mounting;
        return fields.tokenize(payment());
      })();
      return Promise.race([answer, silence]);
    }

    async function pay() {
      isAsked = true;
      tell("");
      form.paywell.busy();
      try {
        token.value = await ask();
        if (!token.value) throw new Problem(silent);
        form.dataset.sent = "yes";
        form.submit();
      } catch (problem) {
        tell(problem instanceof Problem && problem.message ? problem.message.slice(0, 300) : silent);
        form.paywell.ready();
        const fields = await mounting?.catch(() => null);
        fields?.focus?.();
      } finally {
        isAsked = false;
      }
    }

    form.addEventListener("change", show);
    form.addEventListener("submit", (event) => {
      if (!isNew() || event.defaultPrevented) return;
      event.preventDefault();
      if (!isAsked && !form.dataset.sent) pay();
    });
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) token.value = "";
    });
    show();
  }

  document.addEventListener("paywell:form", (event) => {
    attach(/** @type {CustomEvent<PayFormElement>} */ (event).detail);
  });
  return { register, Problem };
})();
