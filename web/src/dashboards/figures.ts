/** Lines and figures of panels out of answers. Pure. */

import { amount } from "../amount";
import { count, percent, rate } from "../format";
import { money } from "../money";
import type { Line } from "../parts/Chart";
import { LOOKS, MOST_LINES } from "../screens/metricWords";
import type { Palette } from "../views/palette";
import type { Panel } from "./board";
import type { PromqlLine, WatchedAnswer } from "./dashboardsApi";

export interface Drawing {
  times: number[];
  lines: Line[];
}

function onSteps(sinceS: number, untilS: number, stepS: number, named: { name: string; points: [number, number][] }[], bars = false): Drawing {
  const steps = Math.min(Math.max(1, Math.round((untilS - sinceS) / stepS)), 2_000);
  const times = Array.from({ length: steps }, (_, at) => sinceS + at * stepS);
  const lines = named.slice(0, MOST_LINES).map(({ name, points }, at): Line => {
    const values: (number | null)[] = times.map(() => null);
    for (const [time, value] of points) values[Math.round((time - sinceS) / stepS)] = value;
    return { name, values: values.slice(0, steps), ...(named.length === 1 ? { colour: bars ? (c: Palette) => c.bar : (c: Palette) => c.text, bars } : LOOKS[at]) };
  });
  return { times, lines };
}

export function drawWatched(answer: WatchedAnswer): Drawing {
  const named = answer.series.map((one) => ({ name: one.name || "account", points: one.points.map((point): [number, number] => [Date.parse(point.time) / 1000, point.value]) }));
  return onSteps(Date.parse(answer.since) / 1000, Date.parse(answer.until) / 1000, answer.step_s, named, answer.metric.statistic === "sum");
}

export function drawPromql(lines: PromqlLine[], sinceS: number, untilS: number, stepS: number): Drawing {
  const named = lines.map((one) => ({ name: nameOf(one.metric), points: one.values.map(([at, value]): [number, number] => [at, Number(value)]).filter(([, value]) => Number.isFinite(value)) }));
  return onSteps(sinceS, untilS + stepS, stepS, named);
}

/** What tells a series of PromQL from the others. */
export function nameOf(labels: Record<string, string>): string {
  const told = Object.entries(labels).filter(([name]) => name !== "__name__" && name !== "group");
  return told.map(([, value]) => value).join(", ") || labels.__name__ || "value";
}

const PROMQL_UNITS: Record<string, (value: number) => string> = {
  "": amount.count,
  ms: amount.ms,
  s: (value) => amount.ms(value * 1000),
  bytes: amount.bytes,
  share: percent,
  per_s: (value) => rate(value),
};

export function unitOf(name: unknown): (value: number) => string {
  return PROMQL_UNITS[String(name ?? "")] ?? amount.count;
}

/** How a single figure is written. */
export function figureUnit(panel: Panel): (value: number) => string {
  const measure = String(panel.measure);
  if (measure === "error_share") return percent;
  if (measure.endsWith("_ms")) return amount.ms;
  if (measure === "cost_usd") return money;
  return measure === "promql" ? unitOf(panel.unit) : count;
}

export type Tone = "ok" | "warn" | "bad" | "";

/** A figure against its thresholds; where the bad one is below the warning, less is worse. */
export function toneOf(value: number | null, warn: unknown, bad: unknown): Tone {
  const [least, most] = [typeof warn === "number" ? warn : null, typeof bad === "number" ? bad : null];
  if (value === null || (least === null && most === null)) return "";
  const falling = least !== null && most !== null && most < least;
  const beyond = (threshold: number | null) => threshold !== null && (falling ? value <= threshold : value >= threshold);
  return beyond(most) ? "bad" : beyond(least) ? "warn" : "ok";
}

/** Requests and the share of errors of all groups together. */
export function together(groups: { count: number; error_count: number }[]): { count: number; share: number | null } {
  const total = groups.reduce((sum, one) => sum + one.count, 0);
  return { count: total, share: total ? groups.reduce((sum, one) => sum + one.error_count, 0) / total : null };
}
