/** Alerts, their routes and silences, as the API tells them. */

import { get, send, type Severity, type Span } from "./api";

export type Phase = "firing" | "pending" | "recovered" | "inactive";

export interface AlertPart {
  name: string;
  value: number | null;
  why: string;
  scope: string;
  finding_id: string | null;
  trail_id: string | null;
}

export interface AlertRow {
  name: string;
  group: string;
  title: string;
  severity: Severity;
  type: string;
  enabled: boolean;
  phase: Phase;
  since: string | null;
  value: number | null;
  why: string;
  scopes: string[];
  parts: AlertPart[];
  muted: string;
  acknowledged_by: string;
  told: string[];
  failing: string;
  runbook: string;
}

/** Something of a definition that is probably not meant, such as a name that there is not. */
export interface Warned {
  path: string;
  message: string;
}

export interface ListedAlert extends AlertRow {
  warnings: Warned[];
}

export interface AlertsAnswer {
  counts: Record<Phase, number>;
  alerts: ListedAlert[];
  broken: Record<string, string>;
  routes: Record<string, boolean>;
  undelivered_count: number;
  leads: boolean;
}

export interface AlertPoint {
  time: string;
  value: number | null;
  breached: boolean;
  firing: boolean;
}

export interface AlertEvent {
  group: string;
  time: string;
  what: string;
  by: string;
  note: string;
  routes: string[];
  value: number | null;
  why: string;
}

export interface Delivery {
  id: string;
  group: string;
  route: string;
  what: string;
  status: "waiting" | "sent" | "dead";
  tries: number;
  created: string;
  sent: string | null;
  error: string;
}

export interface AlertAnswer {
  name: string;
  spec: { check: { type: string; figure?: string | null; above?: number | null; below?: number | null }; description: string; runbook: string; severity: Severity };
  built_in: boolean;
  groups: AlertRow[];
  warnings: Warned[];
  points: AlertPoint[];
  points_failing: string;
  routes: { route: string; after_s: number }[];
  history: AlertEvent[];
  notifications: Delivery[];
}

export interface Rehearsal {
  since: string;
  until: string;
  step_s: number;
  events: AlertEvent[];
  fired_count: number;
}

export interface SilenceRow {
  name: string;
  spec: { alerts?: string[]; scopes?: string[]; until?: string; weekly?: { begins: string; ends: string; days?: string[]; zone?: string }; reason?: string };
}

/** A route's way out; what is secret is only named. */
export interface WayOut {
  type: "webhook" | "slack" | "pagerduty" | "opsgenie" | "email" | "sns" | "alertmanager";
  url?: string;
  to?: string[];
  topic_arn?: string;
}

const of = (name: string) => `/alerts/${encodeURIComponent(name)}`;

export const alertsApi = {
  list: (signal?: AbortSignal) => get<AlertsAnswer>("/alerts", {}, signal),
  one: (name: string, range: Span, signal?: AbortSignal) => get<AlertAnswer>(of(name), { ...range }, signal),
  rehearse: (name: string, since: string, signal?: AbortSignal) => get<Rehearsal>(`${of(name)}/dry-run`, { since }, signal),
  acknowledge: (name: string, group: string | null) => send<unknown>("POST", `${of(name)}/acknowledge`, { by: "page", group }),
  tryRoute: (name: string) => send<{ told: boolean; reason: string }>("POST", `/routes/${encodeURIComponent(name)}/test`),
  routes: (signal?: AbortSignal) => get<{ definitions: { name: string; spec: { to?: WayOut } }[] }>("/definitions", { kind: "route" }, signal),
  silences: (signal?: AbortSignal) => get<{ definitions: SilenceRow[] }>("/definitions", { kind: "silence" }, signal),
  silence: (name: string, spec: SilenceRow["spec"]) => send<unknown>("PUT", `/definitions/silence/${encodeURIComponent(name)}`, { spec, source: "page" }),
  endSilence: (name: string) => send<unknown>("DELETE", `/definitions/silence/${encodeURIComponent(name)}`),
};
