import { amount } from "../amount";
import type { Line } from "../parts/Chart";
import type { Palette } from "../views/palette";

export interface MetricRow {
  name: string;
  kind: string;
  unit: string;
  description: string;
  series_count: number;
  point_count: number;
  last_seen: string;
}

export interface MetricChart {
  name: string;
  kind: string;
  unit: string;
  description: string;
  since: string;
  until: string;
  step_s: number;
  stat: string;
  labels: { name: string; value_count: number }[];
  series: { labels: Record<string, string>; points: { time: string; value: number | null }[] }[];
  exemplars: { time: string; value: number; trace_id: string; span_id: string; labels: Record<string, string> }[];
  notes: string[];
}

export const MOST_LINES = 8;

/** The statistics that have a meaning for a kind, the usual one first. */
export function statsOf(kind: string): string[] {
  if (kind === "gauge") return ["avg", "sum", "min", "max", "count", "p50", "p90", "p95", "p99"];
  if (kind === "sum") return ["rate", "sum", "avg", "min", "max", "count"];
  return ["avg", "p50", "p90", "p95", "p99", "min", "max", "sum", "count", "rate"];
}

const MS: Record<string, number> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Record<string, number> = { By: 1, kBy: 1e3, KBy: 1e3, MBy: 1e6, GBy: 1e9, TBy: 1e12, KiBy: 1024, MiBy: 1024 ** 2, GiBy: 1024 ** 3 };

/** How a figure of a metric is written: in the metric's unit (UCUM, as OpenTelemetry has it), a number, or so many a second. */
export function unitOf(unit: string, stat: string, kind: string): (value: number) => string {
  const plain = unit.replaceAll(/\{[^}]*\}/g, "");
  if (stat === "count") return amount.count;
  if (stat === "rate") {
    const of = kind === "sum" ? valueIn(plain) : amount.count;
    return (value) => `${of(value)}/s`;
  }
  return valueIn(plain);
}

function valueIn(unit: string): (value: number) => string {
  if (unit in MS) return (value) => amount.ms(value * MS[unit]);
  if (unit in BYTES) return (value) => amount.bytes(value * BYTES[unit]);
  if (unit === "%") return (value) => amount.share(value / 100);
  return unit === "" || unit === "1" ? amount.count : (value) => `${amount.count(value)} ${unit}`;
}

/** A line's name: the values of what it is grouped by. */
export function nameOf(labels: Record<string, string>, metric: string): string {
  const values = Object.values(labels);
  return values.length ? values.map((value) => value || "(none)").join(", ") : (metric.split("/").at(-1) ?? metric);
}

/** Colour has no meaning here, so there are few, told apart by dashes as well. */
export const LOOKS: { colour: (colours: Palette) => string; dash?: number[] }[] = [
  { colour: (colours) => colours.selection },
  { colour: (colours) => colours.cold },
  { colour: (colours) => colours.text },
  { colour: (colours) => colours.bar },
  { colour: (colours) => colours.selection, dash: [6, 3] },
  { colour: (colours) => colours.cold, dash: [6, 3] },
  { colour: (colours) => colours.text, dash: [6, 3] },
  { colour: (colours) => colours.bar, dash: [2, 2] },
];

/** All steps of the range, and each line's value in them; a step without data is a gap. */
export function linesOf(chart: MetricChart): { times: number[]; lines: Line[] } {
  const first = Date.parse(chart.since) / 1000;
  const steps = Math.round((Date.parse(chart.until) / 1000 - first) / chart.step_s);
  const times = Array.from({ length: steps }, (_, step) => first + step * chart.step_s);
  const lines = chart.series.slice(0, MOST_LINES).map((one, at): Line => {
    const values: (number | null)[] = Array.from({ length: steps }, () => null);
    for (const point of one.points) values[Math.round((Date.parse(point.time) / 1000 - first) / chart.step_s)] = point.value;
    return { name: nameOf(one.labels, chart.name), values, ...LOOKS[at] };
  });
  return { times, lines };
}

/** The figures of a line over the range, for the table below the chart. */
export function figuresOf(points: { value: number | null }[]): { last: number; least: number; greatest: number } | null {
  const known = points.map((point) => point.value).filter((value) => value !== null);
  return known.length ? { last: known.at(-1)!, least: Math.min(...known), greatest: Math.max(...known) } : null;
}
