/** Which function or entry is in trouble, how much, and in which words. Pure. */

import type { Red, RedGroup } from "../api";
import { duration, percent, rate } from "../format";
import { everyStep } from "../steps";

export const FAILING_SHARE = 0.01;
const SLOWER = 1.5;

export function errorShare(group: { count: number; error_count: number }): number {
  return group.count ? group.error_count / group.count : 0;
}

export function failing(group: RedGroup): boolean {
  return group.error_count > 0 && errorShare(group) >= FAILING_SHARE;
}

export function slower(group: RedGroup): boolean {
  const before = group.previous?.p95_ms;
  return Boolean(before && group.p95_ms && group.count >= 20 && group.p95_ms > before * SLOWER && group.p95_ms - before > 20);
}

/** Errors weigh most, then a longer p95, then how much is called. */
export function trouble(group: RedGroup): number {
  const before = group.previous?.p95_ms ?? 0;
  const longer = slower(group) ? Math.log2((group.p95_ms ?? 0) / before) : 0;
  return (failing(group) ? 1000 * errorShare(group) + 100 : 0) + Math.min(group.error_count, 50) + 20 * longer + Math.min(group.count, 1e6) * 1e-6;
}

export function byTrouble(groups: RedGroup[]): RedGroup[] {
  return [...groups].sort((a, b) => trouble(b) - trouble(a) || a.name.localeCompare(b.name));
}

/** The API leaves steps out in which nothing ran; sparklines and runs of errors need them all. */
export function onGrid(red: Red): Red {
  const fill = everyStep(red);
  return { ...red, groups: red.groups.map((group) => ({ ...group, points: fill(group.points) })) };
}

export interface Change {
  arrow: "↑" | "↓" | "→" | "";
  text: string;
  tone: "bad" | "good" | "dim";
}

/** The one change against the previous equal range that matters most. */
export function change(group: RedGroup, seconds: number): Change {
  const before = group.previous;
  if (!before || before.count === 0) return { arrow: "", text: "nothing before", tone: "dim" };
  const [was, is] = [errorShare(before), errorShare(group)];
  if (Math.abs(is - was) >= 0.005) return errorChange(was, is);
  if (before.p95_ms && group.p95_ms) {
    const ratio = group.p95_ms / before.p95_ms;
    if ((ratio > 1.3 || ratio < 0.7) && Math.abs(group.p95_ms - before.p95_ms) > 10)
      return { arrow: ratio > 1 ? "↑" : "↓", text: `p95 from ${duration(before.p95_ms)}`, tone: ratio > SLOWER ? "bad" : ratio < 1 ? "good" : "dim" };
  }
  const calls = group.count / before.count;
  if (calls > 1.3 || calls < 0.7) return { arrow: calls > 1 ? "↑" : "↓", text: `rate from ${rate(before.count / seconds)}`, tone: "dim" };
  return { arrow: "→", text: "steady", tone: "dim" };
}

function errorChange(was: number, is: number): Change {
  return { arrow: is > was ? "↑" : "↓", text: `errors from ${percent(was)}`, tone: is > was ? "bad" : "good" };
}

/** When the present run of errors began (a quiet sixth of the range ends a run), or null: from the start on. */
export function failingSince(group: RedGroup): string | null {
  const quiet = Math.max(3, group.points.length / 6);
  let first = -1;
  for (let i = group.points.length - 1, last = -1; i >= 0; i--) {
    if (group.points[i].error_count === 0) continue;
    if (last >= 0 && last - i > quiet) break;
    first = last = i;
  }
  return first <= 0 ? null : group.points[first].time;
}

export interface Verdict {
  tone: "ok" | "bad" | "warn" | "dim";
  headline: string;
  worst: RedGroup | null;
}

const KINDS = { function: ["function", "functions"], route: ["entry", "entries"], service: ["service", "services"] };

export function verdict(groups: RedGroup[], kind: keyof typeof KINDS): Verdict {
  const [one, many] = KINDS[kind];
  const all = byTrouble(groups);
  const bad = all.filter(failing);
  if (!all.length) return { tone: "dim", headline: "Nothing ran in this time range", worst: null };
  if (bad.length) {
    const who = `${bad.length} of ${all.length} ${all.length === 1 ? one : many} ${bad.length === 1 ? "is" : "are"} failing`;
    return { tone: "bad", headline: who, worst: bad[0] };
  }
  const slow = all.find(slower);
  if (slow) return { tone: "warn", headline: `Nothing fails, but ${slow.name} is slower than before`, worst: slow };
  return { tone: "ok", headline: all.length === 1 ? `The only ${one} works` : `All ${all.length} ${many} work`, worst: null };
}
