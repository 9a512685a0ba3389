/** Numbers, durations, times and ids as the page writes them. Pure. */

const thin = "\u2009";

/** A duration with its unit, three significant figures: `0.42 ms`, `12.4 ms`, `1.24 s`, `2 min 5 s`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return "–";
  const size = Math.abs(ms);
  if (size === 0) return `0${thin}ms`;
  if (size < 0.001) return `${significant(ms * 1e6)}${thin}ns`;
  if (size < 0.1) return `${significant(ms * 1000)}${thin}µs`;
  if (size < 999.5) return `${significant(ms)}${thin}ms`;
  if (size < 59_950) return `${significant(ms / 1000)}${thin}s`;
  return pair(ms);
}

function significant(value: number): string {
  const size = Math.abs(value);
  return size >= 99.95 ? value.toFixed(0) : size >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function pair(ms: number): string {
  const s = Math.round(ms / 1000);
  const units: [number, string][] = [[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const at = units.findIndex(([size]) => s >= size);
  const [size, name] = units[at];
  const [nextSize, nextName] = units[at + 1] ?? [1, ""];
  const rest = Math.floor((s % size) / nextSize);
  return `${Math.floor(s / size)}${thin}${name}` + (nextName && rest ? ` ${rest}${thin}${nextName}` : "");
}

// Made once: a page of tables writes a thousand counts, and to make it takes longer than to use it.
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A count, with separators: `12,345`. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : whole.format(value);
}

/** A share of 1 as percent: `0 %`, `0.4 %`, `14 %`. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return "–";
  const value = share * 100;
  if (value === 0) return `0${thin}%`;
  if (value < 0.1) return `<0.1${thin}%`;
  return `${value < 9.95 && value % 1 !== 0 ? value.toFixed(1) : value.toFixed(0)}${thin}%`;
}

/** A rate in its most readable unit: `12.4/s`, `38/min`, `3/h`. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return "0";
  if (perSecond >= 1) return `${significant(perSecond)}/s`;
  if (perSecond * 60 >= 1) return `${significant(perSecond * 60)}/min`;
  return `${significant(perSecond * 3600)}/h`;
}

export function bytes(value: number): string {
  if (value < 1000) return `${value}${thin}B`;
  const units = ["kB", "MB", "GB", "TB"];
  const step = Math.min(units.length, Math.floor(Math.log10(value) / 3));
  return `${significant(value / 1000 ** step)}${thin}${units[step - 1]}`;
}

const twoDigits = (value: number) => String(value).padStart(2, "0");

/** The clock of a moment in the reader's zone; `fine` adds milliseconds. */
export function clock(time: string | number | Date, fine = false): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return "–";
  const text = `${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}:${twoDigits(at.getSeconds())}`;
  return fine ? `${text}.${String(at.getMilliseconds()).padStart(3, "0")}` : text;
}

/** Clock without seconds, and the date as well when it is not today. */
export function moment(time: string | number | Date, now = new Date()): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return "–";
  const hm = `${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`;
  if (at.toDateString() === now.toDateString()) return hm;
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${hm}`;
}

/** The mark of a time axis of a given length: seconds only where minutes repeat themselves. */
export function axisTime(ms: number, lengthMs: number): string {
  return lengthMs < 8 * 60_000 ? clock(ms) : moment(ms);
}

/** Date and clock in full, for titles. */
export function full(time: string | number | Date): string {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? "–" : `${at.toISOString().replace("T", " ").replace("Z", "")} UTC`;
}

/** How long ago: `just now`, `12 s ago`, `4 min ago`. */
export function ago(time: string | number | Date, now = Date.now()): string {
  const ms = now - new Date(time).getTime();
  return ms < 1500 ? "just now" : `${duration(Math.floor(ms / 1000) * 1000).replace(/\.\d+/, "")} ago`;
}

/** An id short enough for a row; the whole of it goes into the title. */
export function short(id: string, length = 8): string {
  return id.length <= length + 2 ? id : `${id.slice(0, length)}…`;
}

/** A name as people say it: the last part of an ARN or URL. */
export function plainName(name: string): string {
  return /^(arn:|https?:)/.test(name) ? (name.split(/[:/]/).filter(Boolean).at(-1) ?? name) : name;
}

/** A telemetry value as text. */
export function text(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** `out_of_memory` as `out of memory`. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

const MESSAGE = /"(?:message|msg)"\s*:\s*("(?:[^"\\]|\\.)*")/;

/** A JSON log line taken apart: what it says and the rest; null where the line is not one. A long line may come cut. */
export function spoken(body: string): { message: string; rest: string } | null {
  if (!body.startsWith("{")) return null;
  const cut = body.trimEnd().endsWith("}") ? null : MESSAGE.exec(body);
  if (cut) return { message: JSON.parse(cut[1]) as string, rest: "…" };
  try {
    const parsed = JSON.parse(body) as Record<string, unknown>;
    const message = parsed.message ?? parsed.msg;
    if (typeof message !== "string") return null;
    const rest = Object.entries(parsed).filter(([key]) => !["message", "msg", "level", "timestamp"].includes(key));
    return { message, rest: rest.map(([key, value]) => `${key}=${text(value)}`).join("  ") };
  } catch {
    return null;
  }
}

export function oneLine(body: string): string {
  const parts = spoken(body);
  return (parts ? `${parts.message}  ${parts.rest}` : body).replaceAll(/\s+/g, " ");
}
