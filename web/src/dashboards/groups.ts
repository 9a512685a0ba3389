import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { api, type Entries, type Red } from "../api";
import { asParameters, stepFor, type Range } from "../range";
import { asGroup, entryName } from "../screens/entries";
import { onGrid } from "../screens/trouble";
import type { Panel } from "./board";

export interface Groups extends Red {
  /** What the groups are, where they are requests from outside. */
  entries?: Entries;
}

const STEPS = 60;

/** Rate, errors and duration by group; panels that ask the same share one answer. */
export function useGroups(panel: Panel, range: Range, enabled: boolean): UseQueryResult<Groups> {
  const group = String(panel.group ?? "function");
  return useQuery({
    queryKey: ["dashboard", "groups", group, range.text, range.untilMs],
    queryFn: ({ signal }) => askGroups(group, range, signal),
    placeholderData: keepPreviousData,
    enabled,
  });
}

async function askGroups(group: string, range: Range, signal: AbortSignal): Promise<Groups> {
  const span = asParameters(range);
  const step = stepFor(range, STEPS);
  if (group === "capability") return onGrid(await api.capabilities(span, step, signal));
  if (group !== "entry") return onGrid(await api.red(group as "function", span, step, signal));
  const entries = await api.entries(span, step, signal);
  return { ...onGrid({ since: entries.since, until: entries.until, step_s: entries.step_s, groups: entries.entries.map(asGroup) }), entries };
}

/** The names that there are of a group, for a form. */
export function namesOf(answer: Groups): string[] {
  return answer.entries ? answer.entries.entries.map(entryName) : answer.groups.map((one) => one.name);
}
