// @ts-check
/* The test processor's card fields: a frame from its origin, and a few messages (docs/test-processors.md). Only
   messages from that origin and that very frame are heard. */
"use strict";

paywellFields.register("test_inline", {
  async mount(place, options) {
    const PREFIX = "paywell-test:";
    const { frame_url: frameUrl = "", origin = "" } = options.config;
    const frame = document.createElement("iframe");
    /** @type {Map<string, {resolve: (token: string) => void, reject: (problem: Error) => void}>} */
    const asked = new Map();

    /** @param {string} type @param {string} [id] */
    function say(type, id) {
      frame.contentWindow?.postMessage({ type: `${PREFIX}${type}`, id }, origin);
    }

    /** @param {MessageEvent} event */
    function hear(event) {
      if (!place.isConnected) {
        window.removeEventListener("message", hear);
        return;
      }
      if (event.origin !== origin || event.source !== frame.contentWindow) return;
      const said = event.data;
      if (typeof said !== "object" || said === null || typeof said.type !== "string") return;
      if (said.type === `${PREFIX}ready`) options.ready();
      if (said.type === `${PREFIX}submit`) options.enter();
      if (said.type === `${PREFIX}height` && Number.isFinite(said.height)) {
        frame.height = String(Math.min(Math.max(Math.ceil(said.height), 80), 900));
      }
      const waiting = asked.get(said.id);
      if (!waiting) return;
      if (said.type === `${PREFIX}token` && typeof said.token === "string") waiting.resolve(said.token);
      if (said.type === `${PREFIX}error`) waiting.reject(new paywellFields.Problem(String(said.message || "")));
    }

    window.addEventListener("message", hear);
    frame.title = options.title;
    const address = new URL(frameUrl);
    if (!address.searchParams.has("parent")) address.searchParams.set("parent", window.location.origin);
    frame.src = address.href;
    frame.referrerPolicy = "no-referrer";
    frame.setAttribute("allow", "payment 'none'; camera 'none'; microphone 'none'; geolocation 'none'");
    place.append(frame);
    return {
      tokenize: () =>
        new Promise((resolve, reject) => {
          const id = crypto.randomUUID ? crypto.randomUUID() : String(Date.now());
          asked.set(id, { resolve, reject });
          say("tokenize", id);
        }),
      focus: () => frame.focus(),
    };
  },
});
