/** Investigations, and what they are prepared with, as the API tells them. */

import { address, get, send, type Findings, type Severity, type TrailRow } from "./api";

export type Origin = "alert" | "finding" | "trail" | "value";
export type Bad = "error" | "slow" | "outcome";

export interface Began {
  kind: Origin;
  id: string;
  group: string;
}

/** What is looked into, and when. */
export interface Ground {
  symptom: string;
  scopes: string[];
  workflow: string;
  trail_ids: string[];
  bad: Bad;
  slower_than_ms: number | null;
  at: string;
  since: string;
  until: string;
}

export interface Investigation extends Ground {
  id: string;
  name: string;
  state: "open" | "closed";
  began: Began;
  by: string;
  created: string;
  changed: string;
}

export interface InvestigationRow extends Investigation {
  note_count: number;
  look_count: number;
}

export interface Entry {
  id: number;
  kind: "note" | "look";
  time: string;
  by: string;
  text: string;
  link: string;
}

export interface InvestigationAnswer extends Investigation {
  entries: Entry[];
}

export interface Cause {
  trail_id: string;
  node_id: string;
  service: string;
  name: string;
  kind: string;
  words: string;
}

export interface Affected {
  trails: (TrailRow & { cause: Cause | null })[];
  causes: (Cause & { count: number })[];
}

export interface Figures {
  count: number;
  error_count: number;
  p50_ms: number | null;
  p95_ms: number | null;
}

export interface BeforeAfter {
  about: string;
  kind: "service" | "value" | "workflow";
  before: Figures;
  after: Figures;
  points: ({ time: string } & Figures)[];
}

export interface Suspect {
  name: string;
  value: string;
  services: string[];
  bad_count: number;
  bad_share: number;
  other_count: number;
  other_share: number;
  lift: number | null;
  score: number;
}

export interface ContrastAnswer {
  about: string;
  kind: BeforeAfter["kind"];
  bad: Bad;
  slower_than_ms: number | null;
  bad_count: number;
  other_count: number;
  bad_looked_at: number;
  other_looked_at: number;
  sampled: boolean;
  suspects: Suspect[];
  symptoms: Suspect[];
}

export interface Start {
  kind: Origin;
  id: string;
  group?: string;
  at?: string;
}

const of = (id: string) => `/investigations/${encodeURIComponent(id)}`;
const range = (ground: Ground) => ({ since: ground.since, until: ground.until });
const wrong = (ground: Ground) => ({ bad: ground.bad, slower_than_ms: ground.slower_than_ms });

/** A path with parameters of which some are there several times. */
function repeated(path: string, parameters: Record<string, string | number | null>, lists: Record<string, string[]>): string {
  const query = new URLSearchParams(Object.entries(lists).flatMap(([name, values]) => values.map((value) => [name, value])));
  for (const [name, value] of Object.entries(parameters)) if (value !== null && value !== "") query.set(name, String(value));
  return `${path}?${query}`;
}

export const investigationsApi = {
  list: (signal?: AbortSignal) => get<{ investigations: InvestigationRow[] }>("/investigations", { limit: 200 }, signal),
  one: (id: string, signal?: AbortSignal) => get<InvestigationAnswer>(of(id), {}, signal),
  prepared: (start: Start, signal?: AbortSignal) => get<Ground & { name: string }>("/investigations/prepared", { ...start }, signal),
  open: (start: Start) => send<Investigation>("POST", "/investigations", { by: "page", ...start }),
  change: (id: string, change: { name?: string; state?: "open" | "closed" }) => send<Investigation>("POST", of(id), change),
  remove: (id: string) => send<Investigation>("DELETE", of(id)),
  note: (id: string, text: string, link = "") => send<Entry>("POST", `${of(id)}/entries`, { kind: "note", text, link, by: "page" }),
  looked: (id: string, text: string, link: string) => send<Entry>("POST", `${of(id)}/entries`, { kind: "look", text, link, by: "page" }),
  removeEntry: (id: string, entry: number) => send<InvestigationAnswer>("DELETE", `${of(id)}/entries/${entry}`),
  markdown: (id: string) => address(`${of(id)}.md`),
  affected: (ground: Ground, signal?: AbortSignal) =>
    get<Affected>(repeated("/affected", { ...range(ground), ...wrong(ground), workflow: ground.workflow }, { about: ground.scopes, trail: ground.trail_ids }), {}, signal),
  beforeAfter: (about: string, workflow: boolean, ground: Ground, signal?: AbortSignal) =>
    get<BeforeAfter>("/before-after", { about, kind: workflow ? "workflow" : undefined, at: ground.at, ...range(ground) }, signal),
  contrast: (about: string, ground: Ground, signal?: AbortSignal) => get<ContrastAnswer>("/contrast", { about, ...wrong(ground), ...range(ground) }, signal),
  findings: (about: string, ground: Ground, signal?: AbortSignal) => get<Findings>("/findings", { which: "all", about, since: ground.since, limit: 10 }, signal),
};

export const RANK: Record<Severity, number> = { high: 0, medium: 1, low: 2 };
