/** Dashboards as the page holds them while they are shown and changed. Pure: every change makes a new board. */

export type PanelKind = "red" | "watched" | "metric" | "promql" | "figure" | "trails" | "findings" | "event_sources" | "limits" | "costs" | "text";

/** A panel as the API has it; which fields there are depends on its kind. */
export interface Panel {
  kind: PanelKind;
  title?: string;
  width?: number;
  [field: string]: string | number | null | undefined;
}

export interface Row {
  title?: string;
  panels: Panel[];
}

export interface Board {
  title: string;
  description?: string;
  range?: string;
  rows: Row[];
}

/** Where a panel stands. */
export interface Place {
  row: number;
  panel: number;
}

export type Direction = "left" | "right" | "up" | "down";

export const COLUMNS = 12;
export const LEAST_WIDTH = 2;
export const MOST_IN_A_ROW = 6;

/** The width that a panel has where it says none; as the server has it. */
export const WIDTHS: Record<PanelKind, number> = { red: 6, watched: 6, metric: 6, promql: 6, figure: 3, trails: 12, findings: 12, event_sources: 12, limits: 6, costs: 6, text: 12 };

export function widthOf(panel: Panel): number {
  return panel.width ?? WIDTHS[panel.kind];
}

function withRows(board: Board, rows: Row[]): Board {
  return { ...board, rows: rows.filter((row) => row.panels.length > 0) };
}

function without(panels: Panel[], at: number): Panel[] {
  return panels.filter((_, i) => i !== at);
}

function within(panels: Panel[], at: number, panel: Panel): Panel[] {
  return [...panels.slice(0, at), panel, ...panels.slice(at)];
}

export function change(board: Board, { row, panel }: Place, fields: Partial<Panel>): Board {
  const changed = (one: Panel) => ({ ...one, ...fields }) as Panel;
  return { ...board, rows: board.rows.map((one, r) => (r === row ? { ...one, panels: one.panels.map((each, p) => (p === panel ? changed(each) : each)) } : one)) };
}

/** Wider or narrower by some twelfths. */
export function resize(board: Board, place: Place, by: number): Board {
  const panel = board.rows[place.row].panels[place.panel];
  return change(board, place, { width: Math.min(Math.max(widthOf(panel) + by, LEAST_WIDTH), COLUMNS) });
}

/** A new panel where there is room in the last row, else in a row of its own; answers where it stands. */
export function add(board: Board, panel: Panel): { board: Board; at: Place } {
  const last = board.rows.at(-1);
  const used = last?.panels.reduce((sum, one) => sum + widthOf(one), 0) ?? COLUMNS;
  if (last && used + widthOf(panel) <= COLUMNS && last.panels.length < MOST_IN_A_ROW) {
    const rows = [...board.rows.slice(0, -1), { ...last, panels: [...last.panels, panel] }];
    return { board: { ...board, rows }, at: { row: rows.length - 1, panel: last.panels.length } };
  }
  return { board: { ...board, rows: [...board.rows, { panels: [panel] }] }, at: { row: board.rows.length, panel: 0 } };
}

export function remove(board: Board, { row, panel }: Place): Board {
  return withRows(board, board.rows.map((one, r) => (r === row ? { ...one, panels: without(one.panels, panel) } : one)));
}

/** The panel nearest to where one was removed. */
export function near(board: Board, at: Place): Place | null {
  const row = Math.min(at.row, board.rows.length - 1);
  return row < 0 ? null : { row, panel: Math.min(at.panel, board.rows[row].panels.length - 1) };
}

/** A panel one place on: past its neighbour, into the next row at the end of one, or up or down. The same board where it cannot. */
export function move(board: Board, at: Place, direction: Direction): { board: Board; at: Place } {
  const row = board.rows[at.row];
  const sideways = direction === "left" || direction === "right";
  const beside = at.panel + (direction === "right" ? 1 : -1);
  if (sideways && beside >= 0 && beside < row.panels.length) return moveTo(board, at, { row: at.row, panel: beside });
  const target = at.row + (direction === "left" || direction === "up" ? -1 : 1);
  const alone = row.panels.length === 1;
  if (target < 0 || target >= board.rows.length) return alone || sideways ? { board, at } : asRow(board, at, target < 0 ? 0 : board.rows.length);
  const there = board.rows[target].panels.length;
  const place = direction === "left" ? there : direction === "right" ? 0 : Math.min(at.panel, there);
  return moveTo(board, at, { row: target, panel: place });
}

/** A panel to where another stands, which makes room; rows that are full take no more. */
export function moveTo(board: Board, from: Place, to: Place): { board: Board; at: Place } {
  if (from.row !== to.row && board.rows[to.row].panels.length >= MOST_IN_A_ROW) return { board, at: from };
  const panel = board.rows[from.row].panels[from.panel];
  const rows = board.rows.map((row, r) => (r === from.row ? { ...row, panels: without(row.panels, from.panel) } : row));
  rows[to.row] = { ...rows[to.row], panels: within(rows[to.row].panels, to.panel, panel) };
  const gone = rows[from.row].panels.length === 0 && from.row < to.row ? 1 : 0;
  return { board: withRows(board, rows), at: { row: to.row - gone, panel: Math.min(to.panel, rows[to.row].panels.length - 1) } };
}

/** A panel into a new row before row `before`. */
export function asRow(board: Board, from: Place, before: number): { board: Board; at: Place } {
  const panel = board.rows[from.row].panels[from.panel];
  const rows = board.rows.map((row, r) => (r === from.row ? { ...row, panels: without(row.panels, from.panel) } : row));
  rows.splice(before, 0, { panels: [panel] });
  const gone = board.rows[from.row].panels.length === 1 && from.row < before ? 1 : 0;
  return { board: withRows(board, rows), at: { row: before - gone, panel: 0 } };
}

/** What is sent: fields that are left empty are left out. */
export function cleaned(board: Board): Board {
  const rows = board.rows.map((row) => ({ ...kept(row), panels: row.panels.map(kept) }));
  return { ...kept(board), title: board.title.trim(), rows };
}

function kept<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "" && value !== null && value !== undefined)) as T;
}

export function same(one: Board, other: Board): boolean {
  return JSON.stringify(sorted(cleaned(one))) === JSON.stringify(sorted(cleaned(other)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a.localeCompare(b)).map(([name, one]) => [name, sorted(one)]));
}

/** A name for links and files, made of a title; one that is taken gets a number. */
export function nameFor(title: string, taken: readonly string[] = []): string {
  const plain = title.normalize("NFKD").toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "").slice(0, 59).replace(/-+$/, "") || "dashboard";
  for (let number = 1; ; number++) {
    const name = number === 1 ? plain : `${plain}-${number}`;
    if (!taken.includes(name)) return name;
  }
}

export const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Where a refusal lies: the panel, and the field of it that is to be corrected. */
export interface Fault {
  at: Place | null;
  field: string;
  said: string;
}

/** The server's refusal, led back to its field: the end of the path, or the one that the message names. */
export function faultOf(path: string | null, said: string): Fault {
  const panel = /rows\[(\d+)\]\.panels\[(\d+)\]/.exec(path ?? "");
  const end = /\.([a-z_]+)$/.exec(path ?? "")?.[1];
  const field = end ?? /(?:field|Field) `([a-z_]+)`/.exec(said)?.[1] ?? /^([a-z_]+) /.exec(said)?.[1] ?? "";
  return { at: panel ? { row: Number(panel[1]), panel: Number(panel[2]) } : null, field, said };
}

/** A shared file: the dashboard of it, or why it is none. */
export function readFile(text: string): { name: string; spec: Board } | { wrong: string } {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return { wrong: "It is not JSON. A dashboard is exported as a .json file." };
  }
  const { kind, name, spec } = (read ?? {}) as Record<string, unknown>;
  if (kind !== "dashboard" || typeof spec !== "object" || spec === null) return { wrong: 'It is no dashboard: its "kind" must be "dashboard", with a "spec".' };
  return { name: typeof name === "string" && NAME.test(name) ? name : nameFor(String((spec as Board).title ?? "")), spec: spec as Board };
}
