/** Costs and deployments as the API tells them. Amounts are US dollars as exact decimal texts. */

import { get, type Span } from "./api";

export const GROUPINGS = ["resource", "function", "service", "workflow", "tenant"] as const;
export type Grouping = (typeof GROUPINGS)[number];
export type Verdict = "reduced" | "moved" | "increased" | "unchanged" | "unknown";

export interface CostComponent {
  service: string;
  resource: string;
  what: string;
  price_id: string;
  quantity: number;
  unit: string;
  usd: string;
  estimated: boolean;
  note: string | null;
}

export interface CostGroup {
  name: string | null;
  usd: string;
  share: number;
  components: CostComponent[];
}

export interface CostChange {
  service: string;
  resource: string;
  what: string;
  before_usd: string;
  after_usd: string;
  change_usd: string;
}

export interface CostComparison {
  since: string;
  until: string;
  trail_count: number;
  verdict: Verdict;
  words: string;
  tolerance: number;
  before_usd: string;
  after_usd: string;
  change_usd: string;
  fell_usd: string;
  rose_usd: string;
  components: CostChange[];
}

export interface UsedPrice {
  price_id: string;
  unit: string;
  per: number;
  usd: string;
  region: string;
  source: string;
  as_of: string;
}

export interface CostsAnswer {
  since: string;
  until: string;
  hours: number;
  by: Grouping;
  region: string;
  region_told: boolean;
  free_tier: boolean;
  trail_count: number;
  workflow: string | null;
  total_usd: string;
  groups: CostGroup[];
  prices: UsedPrice[];
  comparison: CostComparison | null;
}

export interface Advice {
  kind: string;
  service: string;
  resource: string;
  text: string;
  basis: "observed" | "model";
  least_usd_per_month: string;
  most_usd_per_month: string;
}

export interface TrailCostAnswer {
  region: string;
  total_usd: string;
  components: CostComponent[];
}

export interface Deployment {
  id: string;
  application: string;
  version: string;
  environment: string;
  status: "started" | "succeeded" | "failed" | "rolled_back";
  failed: string | null;
  commit: string | null;
  url: string | null;
  services: string[];
  time: string;
  committed_at: string | null;
}

export interface Rollout {
  time: string;
  version: string;
  previous: string;
  attribute: string;
  services: string[];
}

export interface Dora {
  application: string;
  environment: string;
  deployment_count: number;
  failed_count: number;
  deployments_per_day: number;
  lead_time_ms: number | null;
  lead_time_count: number;
  change_fail_rate: number | null;
  recovery_time_ms: number | null;
  recovered_count: number;
  rework_rate: number | null;
}

export interface DeploymentsAnswer {
  since: string;
  until: string;
  deployments: Deployment[];
  seen: Rollout[];
  dora: Dora[];
  definitions: Record<string, string>;
  definitions_source: string;
}

export const costsApi = {
  /** `workflow`: only what the trails of this origin caused. */
  costs: (range: Span, by: Grouping, before: Span | null, workflow: string | undefined, signal?: AbortSignal) =>
    get<CostsAnswer>("/costs", { ...range, by, workflow, before_since: before?.since, before_until: before?.until }, signal),
  advice: (range: Span, signal?: AbortSignal) => get<{ advice: Advice[] }>("/costs/advice", { ...range }, signal),
  trail: (id: string, signal?: AbortSignal) => get<TrailCostAnswer>(`/trails/${encodeURIComponent(id)}/cost`, {}, signal),
  deployments: (range: Span, signal?: AbortSignal) => get<DeploymentsAnswer>("/deployments", { ...range }, signal),
};
