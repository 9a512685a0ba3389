/** The service map as the API tells it. */

import { get } from "./api";

export interface MapNode {
  id: string;
  /** `function`, `api`, `service`, `queue`, `stream`, `topic`, `bus`, `table`, `bucket`, `workflow`, `database`, `messaging`, `aws`, `external`. */
  kind: string;
  /** The id of the managed service, "" for others. */
  source: string;
  name: string;
  group: string;
  is_entry: boolean;
  count: number;
  error_count: number;
  p95_ms: number | null;
  cold_start_count: number | null;
  cold_start_share: number | null;
  wait_p50_ms: number | null;
  wait_p95_ms: number | null;
}

export interface MapEdge {
  from: string;
  to: string;
  kind: string;
  count: number;
  error_count: number;
  p50_ms: number | null;
  p95_ms: number | null;
  wait_p50_ms: number | null;
  wait_p95_ms: number | null;
  evidence: string;
  confidence: number;
  inferred: boolean;
  /** Counted in a part of all that a hash picked. */
  estimated: boolean;
}

export interface MapAnswer {
  since: string;
  until: string;
  group: string;
  nodes: MapNode[];
  edges: MapEdge[];
  left_out: number;
}

export const serviceMap = (range: { since: string; until: string }, group: string, signal?: AbortSignal) =>
  get<MapAnswer>("/map", { ...range, group }, signal);
