/** Time ranges as the URL writes them: `now-1h` or `from..to` (RFC 3339). Pure. */

export interface Range {
  /** The text in the URL. */
  text: string;
  relative: boolean;
  sinceMs: number;
  untilMs: number;
}

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
export const DEFAULT_RANGE = "now-1h";
export const PRESETS = [
  ["now-5m", "5 minutes"],
  ["now-15m", "15 minutes"],
  ["now-1h", "1 hour"],
  ["now-6h", "6 hours"],
  ["now-24h", "24 hours"],
  ["now-7d", "7 days"],
] as const;

export function parseRange(text: string | undefined, nowMs: number): Range {
  const relative = /^now-(\d{1,5})([smhd])$/.exec(text ?? "");
  if (text && relative) {
    const length = Number(relative[1]) * UNIT_MS[relative[2]];
    return { text, relative: true, sinceMs: nowMs - length, untilMs: nowMs };
  }
  const [from, to] = (text ?? "").split("..").map((part) => Date.parse(part));
  if (text && Number.isFinite(from) && Number.isFinite(to) && from < to)
    return { text, relative: false, sinceMs: from, untilMs: to };
  return parseRange(DEFAULT_RANGE, nowMs);
}

/** The same range with fixed ends, so that a copied link shows what its sender saw. */
export function pinned(range: Range): string {
  return between(range.sinceMs, range.untilMs);
}

export function between(sinceMs: number, untilMs: number): string {
  return `${new Date(sinceMs).toISOString()}..${new Date(untilMs).toISOString()}`;
}

export function asParameters(range: Range): { since: string; until: string } {
  return { since: new Date(range.sinceMs).toISOString(), until: new Date(range.untilMs).toISOString() };
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400];

/** The step that cuts a range into about `points` pieces, in seconds. */
export function stepFor(range: Range, points = 60): number {
  const wanted = (range.untilMs - range.sinceMs) / 1000 / points;
  return STEPS_S.find((step) => step >= wanted * 0.99) ?? 86_400;
}

export function describe(range: Range): string {
  const preset = PRESETS.find(([value]) => value === range.text);
  if (preset) return `last ${preset[1]}`;
  if (range.relative) return `last ${range.text.slice(4)}`;
  const stamp = (ms: number) => {
    const at = new Date(ms);
    const day = at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    return `${day} ${at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
  };
  return `${stamp(range.sinceMs)} – ${stamp(range.untilMs)}`;
}
