// @ts-check
/* Stripe's card fields: the Payment Element, for cards alone. What is typed becomes a ConfirmationToken, which the
   server confirms; nothing is charged from here. */
"use strict";

paywellFields.register("stripe", {
  async mount(place, options) {
    if (!window.Stripe) throw new Error("Stripe.js did not load");
    const stripe = window.Stripe(options.config.key || "", { locale: language(options.locale) });
    const { look } = options;
    const elements = stripe.elements({
      mode: "payment",
      amount: options.payment.amountMinor,
      currency: options.payment.currency.toLowerCase(),
      allowedPaymentMethodTypes: ["card"],
      setupFutureUsage: options.payment.keep ? "off_session" : null,
      appearance: {
        theme: "flat",
        variables: {
          colorPrimary: look.accent,
          colorBackground: look.card,
          colorText: look.ink,
          colorTextSecondary: look.quiet,
          colorDanger: look.bad,
          fontFamily: look.font,
          fontSizeBase: "17px",
          borderRadius: "8px",
        },
        rules: { ".Input": { border: `1px solid ${look.line}`, padding: "12px" } },
      },
    });
    const element = elements.create("payment", {
      layout: "tabs",
      wallets: { applePay: "never", googlePay: "never", link: "never" },
      terms: { card: "never" },
      business: { name: document.title },
    });
    const frame = document.createElement("div");
    place.append(frame);
    await new Promise((resolve, reject) => {
      element.on("ready", resolve);
      element.on("loaderror", (event) => {
        frame.remove();
        reject(new Error(event.error.message));
      });
      element.mount(frame);
    });
    options.ready();

    /** @param {string} locale @returns {import("@stripe/stripe-js").StripeElementLocale} */
    function language(locale) {
      return locale.startsWith("es") ? "es" : "en";
    }

    return {
      async tokenize(payment) {
        elements.update({
          amount: payment.amountMinor,
          setupFutureUsage: payment.keep ? "off_session" : null,
        });
        const checked = await elements.submit();
        if (checked.error) throw new paywellFields.Problem(checked.error.message || "");
        const made = await stripe.createConfirmationToken({ elements });
        if (made.error) throw new paywellFields.Problem(made.error.message || "");
        return made.confirmationToken.id;
      },
      focus: () => element.focus(),
    };
  },
});
