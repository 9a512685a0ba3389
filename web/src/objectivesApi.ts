/** Objectives as the API tells them. */

import { get, send } from "./api";

export type ObjectiveState = "page" | "ticket" | "spent" | "ok" | "no_data";

export interface Sli {
  type: "requests" | "trails" | "outcomes" | "metrics";
  of?: "service" | "function" | "route" | "entry";
  scope?: string;
  service?: string;
  name?: string;
  workflow?: string;
  good?: string | string[];
  valid?: string;
  faster_than_ms?: number | null;
}

export interface BurnWindow {
  severity: "page" | "ticket";
  factor: number;
  long_s: number;
  short_s: number;
}

export interface BurnNow extends BurnWindow {
  long_burn: number;
  short_burn: number;
  bad_count: number;
  valid_count: number;
  firing_since: string | null;
}

export interface ObjectiveRow {
  name: string;
  title: string;
  owner: string;
  sli: Sli;
  synthetic: boolean;
  target: number;
  window: string;
  since: string;
  until: string;
  state: ObjectiveState;
  good_count: number;
  valid_count: number;
  bad_count: number;
  allowed_count: number;
  good_share: number | null;
  budget_left: number | null;
  spent_at: string | null;
  burns: BurnNow[];
  points: { time: string; good_share: number | null }[];
}

export interface ObjectivesAnswer {
  time: string;
  counting: boolean;
  objectives: ObjectiveRow[];
}

export interface Firing extends BurnWindow {
  fired: string;
  cleared: string | null;
  long_burn: number;
  short_burn: number;
}

export interface Contributor {
  by: string;
  name: string;
  count: number;
  share: number;
  trail_id: string | null;
}

export interface ObjectiveAnswer extends ObjectiveRow {
  counting: boolean;
  description: string;
  policy: string;
  least_bad: number;
  step_s: number;
  course: { time: string; good_count: number; valid_count: number; good_share: number | null; budget_left: number | null }[];
  history: Firing[];
  looked_at_share: number;
  contributors: Contributor[];
}

export interface Proposal {
  name: string;
  why: string;
  spec: { title: string; sli: Sli; target_percent: number; window: string };
}

export const objectivesApi = {
  list: (signal?: AbortSignal) => get<ObjectivesAnswer>("/objectives", {}, signal),
  one: (name: string, signal?: AbortSignal) => get<ObjectiveAnswer | { name: string; counting: true }>(`/objectives/${encodeURIComponent(name)}`, {}, signal),
  proposals: (signal?: AbortSignal) => get<{ proposals: Proposal[] }>("/objective-proposals", {}, signal),
  accept: (one: Proposal) => send<unknown>("PUT", `/definitions/objective/${encodeURIComponent(one.name)}`, { spec: one.spec, source: "page" }),
  remove: (name: string) => send<unknown>("DELETE", `/definitions/objective/${encodeURIComponent(name)}`),
};
