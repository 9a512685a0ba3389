/**
 * What the top of the overview asks, asked while the rest of the page is still on its way. Small, because it comes before everything
 * else; what stands below is asked once it is drawn, since the engine answers all of it on the same few cores.
 */

import { api, askAhead } from "./api";
import { asParameters, parseRange, stepFor } from "./range";

/** When the page began to load; a relative range ends here until it first moves on. */
export const beganMs = Date.now();

export function askEarly() {
  if (!/^\/(overview)?$/.test(location.pathname)) return;
  const range = parseRange(new URLSearchParams(location.search).get("t") ?? undefined, beganMs);
  const [span, stepS] = [asParameters(range), stepFor(range)];
  askAhead(() => {
    void api.red("function", span, stepS, undefined, "counts");
    void api.entries(span, stepS, undefined, "counts");
    void api.capabilities(span, stepS, undefined, "counts");
  });
}
