/** A definition while it is made or changed: values by their paths, and faults led back to the field that they are about. Pure. */

export type Spec = Record<string, unknown>;

/** What the API says of a draft; `path` as `$.check.above`. */
export interface Said {
  path: string;
  message: string;
}

/** The value at `check.above`, or undefined. */
export function valueAt(spec: Spec, path: string): unknown {
  return path.split(".").reduce<unknown>((at, name) => (typeof at === "object" && at !== null ? (at as Spec)[name] : undefined), spec);
}

/** The same spec with another value at a path; undefined takes it away. */
export function withValue(spec: Spec, path: string, value: unknown): Spec {
  const [name, ...rest] = path.split(".");
  const inner = rest.length ? withValue((spec[name] ?? {}) as Spec, rest.join("."), value) : value;
  const next = { ...spec, [name]: inner };
  if (inner === undefined) delete next[name];
  return next;
}

/** What is sent: what was left empty is left out; a list without anything in it says something else than none. */
export function cleaned(spec: Spec): Spec {
  return (tidy(spec) ?? {}) as Spec;
}

function tidy(value: unknown): unknown {
  // null is said on purpose: a bound that is not looked at.
  if (value === "" || value === undefined) return undefined;
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(tidy).filter((one) => one !== undefined);
  if (typeof value !== "object") return value;
  const kept = Object.entries(value).map(([name, one]) => [name, tidy(one)] as const).filter(([, one]) => one !== undefined);
  return kept.length ? Object.fromEntries(kept) : undefined;
}

export function same(one: Spec, other: Spec): boolean {
  return JSON.stringify(sorted(cleaned(one))) === JSON.stringify(sorted(cleaned(other)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, one]) => [name, sorted(one)]));
}

/** `a, b` as a list, and back. */
export const listOf = (text: string) => text.split(/[,\n]/).map((one) => one.trim()).filter(Boolean);

/** The field that a fault is about, of those that are shown; "" where it is about none of them, but the whole. */
export function fieldOf(said: Said, shown: string[]): string {
  const path = said.path.replace(/^\$\.?/, "").replace(/\[(\d+)\]/g, ".$1");
  const near = [...shown].sort((a, b) => b.length - a.length).find((one) => path === one || path.startsWith(`${one}.`));
  if (near) return near;
  // A group is wrong as a whole: the first of its fields that the message names.
  const inside = shown.filter((one) => one.startsWith(path ? `${path}.` : "") && !one.slice(path ? path.length + 1 : 0).includes("."));
  const words = said.message.split(/[^a-z0-9_]+/);
  const named = words.flatMap((word) => inside.filter((one) => one.split(".").at(-1) === word));
  return named[0] ?? "";
}

/** What is told at each field, and what is about the whole. */
export function byField(said: Said[], shown: string[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const one of said) (found[fieldOf(one, shown)] ??= []).push(one.message);
  return found;
}
