/* What the processors' own scripts put on the page. */
import type { StripeConstructor } from "@stripe/stripe-js";
import type { Square } from "@square/web-payments-sdk-types";

declare global {
  interface Window {
    Stripe?: StripeConstructor;
    Square?: Square;
  }
}
