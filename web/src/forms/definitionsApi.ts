/** Definitions as the API keeps and checks them. */

import { ApiError, get, send } from "../api";
import { alertsApi, type Rehearsal } from "../alertsApi";
import type { Said, Spec } from "./draft";
import { opened, type Kind, type Suggests } from "./fields";

export interface Definition {
  kind: string;
  name: string;
  spec: Spec;
  by: string;
  source: string;
  changed: string | null;
}

export interface Checked {
  error: (Said & { line?: number; column?: number }) | null;
  warnings: Said[];
  /** The definition as a document of YAML. */
  text: string;
}

/** What an objective would have come to in the past. `budget_spent`: of what these events allow, 1 = all. */
export interface RehearsedObjective {
  since: string;
  until: string;
  target: number;
  valid_count: number;
  bad_count: number;
  good_share: number | null;
  budget_spent: number | null;
  events: { severity: "page" | "ticket"; factor: number; fired: string; cleared: string | null }[];
  fired_count: number;
}

export type Names = Partial<Record<Suggests, string[]>>;

const path = (kind: Kind, name: string) => `/definitions/${kind}/${encodeURIComponent(name)}`;

export const definitionsApi = {
  one: async (kind: Kind, name: string, signal?: AbortSignal): Promise<Definition> => {
    try {
      const kept = await get<Definition>(path(kind, name), {}, signal);
      return { ...kept, spec: opened(kind, kept.spec) };
    } catch (error) {
      if (kind !== "alert" || !(error instanceof ApiError) || error.status !== 404) throw error;
      // An alert that is there without set-up: what is saved takes its place.
      const now = new Date().toISOString();
      const built = await alertsApi.one(name, { since: now, until: now }, signal);
      return { kind, name, spec: opened(kind, built.spec as unknown as Spec), by: "", source: "", changed: null };
    }
  },
  listed: (kind: Kind, signal?: AbortSignal) => get<{ definitions: Definition[] }>("/definitions", { kind }, signal),
  names: (signal?: AbortSignal) => get<Names>("/definitions/names", {}, signal),
  check: async (kind: Kind, name: string, spec: Spec): Promise<Checked> =>
    (await send<{ definitions: Checked[] }>("POST", "/definitions/check", { definitions: [{ kind, name, spec }], text: true })).definitions[0],
  rehearse: (spec: Spec, since: string) => send<Rehearsal>("POST", `/alerts/dry-run?since=${since}`, { spec }),
  rehearseObjective: (spec: Spec, since: string) => send<RehearsedObjective>("POST", `/objectives/dry-run?since=${since}`, { spec }),
  save: (kind: Kind, name: string, spec: Spec) => send<Definition & { warnings: Said[] }>("PUT", path(kind, name), { spec, by: "page", source: "page" }),
  remove: (kind: Kind, name: string) => send<unknown>("DELETE", path(kind, name)),
  file: (kind: Kind, name: string) => `/api/v1/definitions/file?kind=${kind}&name=${encodeURIComponent(name)}`,
};
