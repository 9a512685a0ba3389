/** Dashboards and what their panels ask, as the API tells it. */

import { ApiError, get, send, type Span, type Unit } from "../api";
import type { Board } from "./board";

export interface DashboardHead {
  name: string;
  title: string;
  description: string;
  starter: boolean;
  /** People's own, in place of one that comes with coldtrail. */
  replaces_starter: boolean;
  by: string;
  source: string;
  changed: string | null;
}

export interface DashboardRow extends DashboardHead {
  row_count: number;
  panel_count: number;
}

export interface DashboardAnswer extends DashboardHead {
  spec: Board;
}

export interface Watchable {
  id: string;
  name: string;
  unit: Unit;
  statistic: string;
  scope: "resource" | "account";
  high: string;
  low: string;
  trouble: string;
}

export interface WatchableService {
  id: string;
  name: string;
  metrics: Watchable[];
}

export interface WatchedAnswer {
  service: string;
  metric: Watchable;
  since: string;
  until: string;
  step_s: number;
  /** What would bring it, where no signal tells it. */
  absent: string;
  series: { name: string; source: string; statistic: string; points: { time: string; value: number }[] }[];
}

export interface PromqlLine {
  metric: Record<string, string>;
  values: [number, string][];
}

const path = (name: string) => `/definitions/dashboard/${encodeURIComponent(name)}`;

export const dashboardsApi = {
  list: (signal?: AbortSignal) => get<{ dashboards: DashboardRow[] }>("/dashboards", {}, signal),
  one: (name: string, signal?: AbortSignal) => get<DashboardAnswer>(`/dashboards/${encodeURIComponent(name)}`, {}, signal),
  file: (name: string) => `/api/v1/dashboards/${encodeURIComponent(name)}/file`,
  save: (name: string, spec: Board, source = "page") => send(
    "PUT", path(name), { spec, source },
  ),
  remove: (name: string) => send("DELETE", path(name)),
  watchable: (signal?: AbortSignal) => get<{ services: WatchableService[] }>("/watched", {}, signal),
  names: (service: string, range: Span, signal?: AbortSignal) => get<{ names: string[] }>("/watched", { service, ...range }, signal),
  watched: (service: string, metric: string, name: string | undefined, range: Span, stepS: number, signal?: AbortSignal) =>
    get<WatchedAnswer>("/watched", { service, metric, name, ...range, step: Math.max(stepS, 60) }, signal),
};

/** The lines of an expression over a range, as the Prometheus API answers them. */
export async function promql(query: string, range: Span, stepS: number, signal?: AbortSignal): Promise<PromqlLine[]> {
  const asked = new URLSearchParams({ query, start: range.since, end: range.until, step: String(stepS) });
  let response: Response;
  try {
    response = await fetch(`/prometheus/api/v1/query_range?${asked}`, { signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "coldtrail does not answer", "Is `coldtrail up` still running?", null);
  }
  const answer = (await response.json()) as { status: string; error?: string; data?: { result: PromqlLine[] } };
  if (answer.status !== "success" || !answer.data) throw new ApiError(response.status, "The expression cannot be evaluated", answer.error ?? "", null);
  return answer.data.result;
}
