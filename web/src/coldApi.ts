/** Cold starts as the API tells them. */

import { get } from "./api";

export interface ColdTotal {
  count: number;
  cold_start_count: number;
  cold_start_share: number | null;
  init_p50_ms: number | null;
  init_p95_ms: number | null;
  init_p99_ms: number | null;
  restore_p50_ms: number | null;
  restore_p95_ms: number | null;
  restore_p99_ms: number | null;
}

export interface ColdGroup extends ColdTotal {
  function: string;
  version: string;
  runtime_version: string;
  memory_mb: number | null;
  /** `on-demand`, `snap-start`, `provisioned-concurrency`, "" where nothing tells. */
  initialization_type: string;
}

export interface WarmAnswer {
  warm: number;
  cold_starts: number;
  cold_starts_with: number;
  saved_init_ms: number;
  cost_usd: number;
  most_at_once: number;
}

export interface MemoryAnswer {
  memory_mb: number;
  init_ms: number;
  init_ms_with: number;
  saved_init_ms: number;
  cost_usd_low: number;
  cost_usd_high: number;
}

export interface ColdAnswer {
  since: string;
  until: string;
  service: string;
  total: ColdTotal;
  provisioned_count: number;
  failed_init_count: number;
  groups: ColdGroup[];
  decided_count: number;
  causes: { cause: string; count: number; share: number | null; rule: string }[];
  cold_starts: { function: string; time: string; init_ms: number | null; initialization_type: string; version: string; cause: string; request_id: string; trail_id: string | null }[];
  trails: {
    walked_count: number;
    origins: { kind: string; service: string; name: string; is_user_facing: boolean; count: number; init_p50_ms: number; share_p50: number; share_max: number; trail_id: string }[];
  };
  what_if: {
    run_count: number;
    covered_s: number;
    init_mean_ms: number;
    memory_mb: number | null;
    region: string;
    architecture: string;
    warm: WarmAnswer[];
    memory: MemoryAnswer[];
  } | null;
}

export const coldStarts = (range: { since: string; until: string }, ask: { service?: string; warm?: number; memory_mb?: number }, signal?: AbortSignal) =>
  get<ColdAnswer>("/cold-starts", { ...range, ...ask }, signal);
