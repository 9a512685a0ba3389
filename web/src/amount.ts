/** Figures of the services' metrics and quotas in their unit. Pure. */

import type { Unit } from "./api";
import { bytes, duration, percent } from "./format";

function number(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: value < 100 ? 3 : 6 });
}

/** How a value of each unit is written; the same function each time, so that a chart can tell that nothing changed. */
export const amount: Record<Unit, (value: number) => string> = {
  count: number,
  units: number,
  ms: duration,
  bytes: (value) => bytes(value < 1000 ? Number(value.toPrecision(3)) : value),
  MB: (value) => `${number(value)} MB`,
  share: percent,
};

/** A rate says so: `12/s`. */
export function amountPer(unit: Unit, perS: number | null, value: number): string {
  return `${amount[unit](value)}${perS ? (perS === 1 ? "/s" : ` per ${duration(perS * 1000)}`) : ""}`;
}
