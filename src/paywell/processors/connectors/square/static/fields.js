// @ts-check
/* Square's card fields (Web Payments SDK). What is typed stays in Square's frame; the server gets a single-use token.
   The bank's check, where one is due, is Square's own dialog while the token is made. */
"use strict";

paywellFields.register("square", {
  async mount(place, options) {
    const { application_id: applicationId = "", location_id: locationId = "" } = options.config;
    if (!window.Square) throw new Error("Square's script did not load");
    const payments = window.Square.payments(applicationId, locationId);
    payments.setLocale?.(options.locale.replace("_", "-"));
    const { look } = options;
    const card = await payments.card({
      style: {
        input: { color: look.ink, backgroundColor: look.card, fontSize: "17px" },
        "input::placeholder": { color: look.quiet },
        "input.is-error": { color: look.bad },
        ".input-container": { borderColor: look.line, borderRadius: "8px" },
        ".input-container.is-focus": { borderColor: look.accent },
        ".input-container.is-error": { borderColor: look.bad },
        ".message-text": { color: look.quiet },
        ".message-text.is-error": { color: look.bad },
      },
    });
    const frame = document.createElement("div");
    frame.id = "square-card";
    place.append(frame);
    try {
      await card.attach("#square-card");
    } catch (error) {
      frame.remove();
      throw error;
    }
    options.ready();

    /** As Square wants it: major units in a text, like 120.00. @param {number} minor @param {string} currency */
    function major(minor, currency) {
      const digits = new Intl.NumberFormat("en-US", { style: "currency", currency }).resolvedOptions()
        .maximumFractionDigits;
      const padded = String(minor).padStart((digits || 0) + 1, "0");
      return digits ? `${padded.slice(0, -digits)}.${padded.slice(-digits)}` : padded;
    }

    return {
      async tokenize(payment) {
        const result = await card.tokenize({
          amount: major(payment.amountMinor, payment.currency),
          currencyCode: payment.currency,
          intent: payment.keep ? "CHARGE_AND_STORE" : "CHARGE",
          customerInitiated: true,
          sellerKeyedIn: false,
          billingContact: {},
        });
        if (result.status === "OK") return result.token;
        const errors = "errors" in result ? result.errors : [];
        throw new paywellFields.Problem(errors?.[0]?.message || "");
      },
      focus: () => card.focus?.("cardNumber"),
    };
  },
});
