/** Workflows and what became of their trails, as the API tells them. */

import { get, send, type Span } from "./api";

export type OutcomeStatus = "complete" | "late" | "incomplete" | "duplicated" | "out_of_order" | "failed" | "open";

export interface Reconciled {
  every: string;
  has: string;
  within: string;
  count: number;
  kept_count: number;
  waiting_count: number;
  words: string;
}

export interface WorkflowRow {
  name: string;
  title: string;
  owner: string;
  within: string;
  final: string;
  trail_count: number;
  outcomes: Partial<Record<OutcomeStatus, number>>;
  p50_ms: number | null;
  p95_ms: number | null;
  reconciled: Reconciled[];
}

export interface WorkflowStep {
  name: string;
  required: boolean;
  forbidden: boolean;
  within: string;
  match: { kind: string | null; service: string; name: string };
  states: Record<string, number>;
  reached_count: number;
  p50_ms: number | null;
  p99_ms: number | null;
}

export interface Affected {
  trail_id: string;
  start: string;
  status: OutcomeStatus;
  step: string | null;
  stopped_service: string | null;
  key: string;
  words: string;
  took_ms: number | null;
}

export interface WorkflowAnswer extends WorkflowRow {
  since: string;
  until: string;
  step_s: number;
  description: string;
  text: string;
  points: { time: string; outcomes: Partial<Record<OutcomeStatus, number>> }[];
  steps: WorkflowStep[];
  missing: { step: string; count: number }[];
  trails: Affected[];
}

export interface WorkflowProposal {
  name: string;
  origin: { kind: string; service: string; name: string };
  trail_count: number;
  steps: { name: string; kind: string; service: string; share: number; p50_ms: number; p99_ms: number }[];
  spec: unknown;
  text: string;
}

export interface ReadText {
  name: string | null;
  spec: unknown;
  errors: { line: number; message: string; path?: string }[];
}

export interface TrailOutcome {
  name: string;
  status: OutcomeStatus;
  step: string | null;
  words: string;
  key: string;
  stopped: { node_id: string; words: string } | null;
  deadline: string | null;
  steps: { name: string; state: string; required: boolean; node_ids: string[]; count: number; took_ms: number | null; words: string }[];
}

export const workflowsApi = {
  list: (range: Span, signal?: AbortSignal) => get<{ workflows: WorkflowRow[] }>("/workflows", { ...range }, signal),
  one: (name: string, range: Span, signal?: AbortSignal) => get<WorkflowAnswer>(`/workflows/${encodeURIComponent(name)}`, { ...range }, signal),
  proposals: (signal?: AbortSignal) => get<{ proposals: WorkflowProposal[] }>("/workflows/proposals", {}, signal),
  read: (text: string) => send<ReadText>("POST", "/workflows/read", { text }),
  keep: (name: string, spec: unknown) => send<unknown>("PUT", `/definitions/workflow/${encodeURIComponent(name)}`, { spec, source: "page" }),
  remove: (name: string) => send<unknown>("DELETE", `/definitions/workflow/${encodeURIComponent(name)}`),
};
