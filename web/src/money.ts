/** Amounts of money as the page writes them, and which times a comparison is of. Pure. */

import type { Span } from "./api";
import { between, type Range } from "./range";

/** Cents where there are any, else two significant digits: `$12.40`, `$0.0032`, `−$0.60`. */
export function money(usd: string | number): string {
  const amount = Number(usd);
  const size = Math.abs(amount);
  const sign = amount < 0 ? "−" : "";
  if (size === 0) return "$0";
  if (size >= 0.995) return `${sign}$${size.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  if (size < 1e-9) return `${sign}<$0.000000001`;
  return `${sign}$${size.toFixed(Math.max(2, 1 - Math.floor(Math.log10(size))))}`;
}

/** The same with a plus: a change. */
export function change(usd: string | number): string {
  return Number(usd) > 0 ? `+${money(usd)}` : money(usd);
}

/** A quantity with its unit: `1.24 M requests`, `0.025 GB-seconds`. */
export function quantity(value: number, unit: string): string {
  const [size, name] = ([[1e9, " G"], [1e6, " M"], [1e3, " k"], [1, ""]] as const).find(([least]) => value >= least) ?? [1, ""];
  const shown = (value / size).toPrecision(3);
  return `${Number(shown) >= 1000 ? Number(shown).toFixed(0) : shown.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")}${name} ${unit}${value === 1 || unit === "GB" ? "" : "s"}`;
}

const LEAST_MS = 60_000;
const MOST_MS = 24 * 3_600_000;

/** Equally long ranges before and after a moment: as long as has passed since, at most a day. */
export function around(time: string, nowMs: number): { t: string; before: string } {
  const at = Date.parse(time);
  const length = Math.min(MOST_MS, Math.max(LEAST_MS, nowMs - at));
  return { t: between(at, at + length), before: between(at - length, at) };
}

export const PREVIOUS = "previous";

/** The range to compare with: as the URL says, or as long a one just before. */
export function beforeOf(text: string | undefined, range: Range): Span | null {
  if (!text) return null;
  if (text === PREVIOUS) return { since: new Date(2 * range.sinceMs - range.untilMs).toISOString(), until: new Date(range.sinceMs).toISOString() };
  const [since, until] = text.split("..");
  return Number.isFinite(Date.parse(since)) && Date.parse(since) < Date.parse(until) ? { since, until } : null;
}
