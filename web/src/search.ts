/** What the page keeps in the URL besides the path. */

export interface Search {
  /** Time range. */
  t?: string;
  q?: string;
  /** Selected node or row. */
  sel?: string;
  tab?: string;
  service?: string;
  status?: string;
  min_ms?: string;
  max_ms?: string;
  live?: string;
  /** What is zoomed to, in ms from the trail's start: `from..to`. */
  z?: string;
  kind?: string;
  /** What costs, or a metric's lines, are shown by. */
  by?: string;
  /** A metric's statistic, and the label that its series must have: `name=value`. */
  stat?: string;
  where?: string;
  /** The moment and the group that an alert's link is about. */
  at?: string;
  group?: string;
  /** The range to compare with, `from..to` or `previous`. */
  before?: string;
  /** Trails of this workflow, and those with this outcome. */
  workflow?: string;
  outcome?: string;
}

const NAMES = ["t", "q", "sel", "tab", "service", "status", "min_ms", "max_ms", "z", "kind", "by", "stat", "where", "before", "workflow", "outcome", "at", "group", "live"] as const;

export function parseSearch(text: string): Search {
  const query = new URLSearchParams(text);
  const search: Search = {};
  for (const name of NAMES) {
    const value = query.get(name);
    if (value) search[name] = value;
  }
  return search;
}

/** Plain text, no JSON quoting; colons and dots stay readable. */
export function stringifySearch(search: Record<string, unknown>): string {
  const parts = NAMES.filter((name) => search[name] !== undefined && search[name] !== "").map(
    (name) => `${name}=${encodeURIComponent(String(search[name])).replaceAll("%3A", ":")}`,
  );
  return parts.length ? `?${parts.join("&")}` : "";
}
