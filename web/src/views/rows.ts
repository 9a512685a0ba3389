/** Which rows the waterfall shows: collapsed, filtered, with or without log lines. Pure. */

import { failed, title, type TrailModel } from "./model";

export interface RowChoice {
  collapsed: ReadonlySet<number>;
  text: string;
  errorsOnly: boolean;
  logs: boolean;
}

export interface Rows {
  /** A node's row as itself, log line `i` as `-1 - i`. */
  list: Int32Array;
  /** Where a node stands in `list`, or -1. */
  position: Int32Array;
  matches: number;
}

export function visibleRows(model: TrailModel, choice: RowChoice): Rows {
  const filtering = choice.text !== "" || choice.errorsOnly;
  const kept = filtering ? keep(model, choice) : null;
  const list: number[] = [];
  const position = new Int32Array(model.size).fill(-1);
  for (let i = 0; i < model.size; ) {
    const row = model.order[i];
    if (kept && !kept.shown[row]) {
      i++;
      continue;
    }
    position[row] = list.length;
    list.push(row);
    if (choice.logs) for (const log of model.logsOf.get(row) ?? []) if (!kept || showsLog(model, log, choice)) list.push(-1 - log);
    i += choice.collapsed.has(row) && !filtering ? model.below[row] : 1;
  }
  return { list: Int32Array.from(list), position, matches: kept ? kept.matches : model.size };
}

function showsLog(model: TrailModel, log: number, choice: RowChoice): boolean {
  const line = model.logs[log];
  return (!choice.errorsOnly || line.severity === "error") && contains(line.body, choice.text);
}

function contains(value: string, wanted: string): boolean {
  return wanted === "" || value.toLowerCase().includes(wanted.toLowerCase());
}

/** Matching rows and the ancestors that lead to them. */
function keep(model: TrailModel, choice: RowChoice): { shown: Uint8Array; matches: number } {
  const shown = new Uint8Array(model.size);
  let matches = 0;
  for (let row = 0; row < model.size; row++) {
    if (choice.errorsOnly && !failed(model.status_[row])) continue;
    const inLogs = () => (model.logsOf.get(row) ?? []).some((log) => contains(model.logs[log].body, choice.text));
    if (!contains(title(model, row), choice.text) && !contains(model.nodeId[row], choice.text) && !inLogs()) continue;
    matches++;
    for (let at = row; at >= 0 && !shown[at]; at = model.parent[at]) shown[at] = 1;
  }
  return { shown, matches };
}
