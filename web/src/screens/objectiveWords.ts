/** What an objective's figures mean, in words. Pure. */

import type { RehearsedObjective } from "../forms/definitionsApi";
import type { BurnWindow, ObjectiveRow, ObjectiveState, Sli } from "../objectivesApi";
import { count, duration, moment, plural } from "../format";

export type Tone = "ok" | "warn" | "bad" | "dim";

export const TONES: Record<ObjectiveState, Tone> = { page: "bad", ticket: "warn", spent: "bad", ok: "ok", no_data: "dim" };

export const STATES: Record<ObjectiveState, string> = {
  page: "burns fast",
  ticket: "burns",
  spent: "spent",
  ok: "ok",
  no_data: "no events",
};

const thin = "\u2009";

/** A share as percent with as many digits as tell it from 100 %: `99.95 %`. */
export function fine(share: number | null): string {
  if (share === null) return "–";
  const away = Math.abs(1 - share) * 100;
  const digits = away === 0 || away >= 10 ? 0 : Math.min(4, Math.max(1, 1 - Math.floor(Math.log10(away))));
  const text = (share * 100).toFixed(digits);
  return `${digits ? text.replace(/0+$/, "").replace(/\.$/, "") : text}${thin}%`;
}

/** What is left of a budget: `74 %`, `–150 %`. */
export function left(share: number | null): string {
  if (share === null) return "–";
  const value = Math.round(share * 100);
  return `${value < 0 ? "–" : ""}${Math.abs(value).toLocaleString("en-US")}${thin}%`;
}

/** The budget in half a sentence: `74 % of its budget is left`, `its budget is overspent by 9 %`. */
export function budgetSaid(share: number | null): string {
  if (share === null) return "nothing was counted";
  return share < 0 ? `its budget is overspent by ${left(-share)}` : `${left(share)} of its budget is left`;
}

/** What is counted: `POST /orders without a failure`. */
export function counted(sli: Sli): string {
  if (sli.type === "metrics") return "good events of a metric";
  if (sli.type === "outcomes") return `trails of ${sli.workflow} that end well`;
  const whose = sli.type === "trails" ? `trails${sli.service || sli.name ? ` from ${[sli.service, sli.name].filter(Boolean).join(" ")}` : ""}` : `${sli.scope}`;
  return sli.faster_than_ms ? `${whose} in less than ${duration(sli.faster_than_ms)}` : `${whose} without a failure`;
}

/** `30 days`, `this month`. */
export function over(window: string): string {
  const match = /^(\d+)([dw])$/.exec(window);
  return match ? plural(Number(match[1]) * (match[2] === "w" ? 7 : 1), "day") : `this ${window}`;
}

/** When the budget will be gone: `in 3 d 4 h`, `it is`, or that it lasts. */
export function goneIn(row: Pick<ObjectiveRow, "spent_at" | "budget_left" | "window">, nowMs: number): string {
  if (row.budget_left === null) return "";
  if (row.budget_left <= 0) return "it is";
  return row.spent_at ? `in ${duration(Math.max(0, Date.parse(row.spent_at) - nowMs))}` : "it lasts";
}

export const minutes = (seconds: number) => duration(seconds * 1000);

export function pairName(one: BurnWindow): string {
  return `${one.factor}× over ${minutes(one.long_s)} and ${minutes(one.short_s)}`;
}

export interface Verdict {
  tone: Tone;
  headline: string;
  details: string[];
}

/** The list in a sentence: what burns, what is spent, or that all is well. */
export function verdict(rows: ObjectiveRow[], nowMs: number): Verdict {
  const of = (state: ObjectiveState) => rows.filter((row) => row.state === state);
  const [paging, tickets, spent] = [of("page"), of("ticket"), of("spent")];
  const details = [...paging, ...tickets].slice(0, 3).map((row) => `${row.title}: ${budgetSaid(row.budget_left)}${row.spent_at && (row.budget_left ?? 0) > 0 ? `, gone ${goneIn(row, nowMs)}` : ""}`);
  if (paging.length) return { tone: "bad", headline: `${plural(paging.length, "objective burns its", "objectives burn their")} budget fast`, details };
  if (tickets.length) return { tone: "warn", headline: `${plural(tickets.length, "objective burns its", "objectives burn their")} budget too fast`, details };
  if (spent.length) return { tone: "bad", headline: `${plural(spent.length, "budget is", "budgets are")} spent`, details: spent.slice(0, 3).map((row) => row.title) };
  const told = rows.filter((row) => row.state === "ok");
  if (!told.length) return { tone: "dim", headline: "Nothing has been counted yet", details: [] };
  return { tone: "ok", headline: told.length === 1 ? "The objective is met" : `All ${told.length} objectives are met`, details: [] };
}

/** What an objective that is not kept yet would have come to. */
export function cameTo(told: RehearsedObjective): string {
  const since = `since ${moment(told.since)}`;
  if (told.good_share === null) return `Nothing of it was counted ${since}.`;
  const spent = told.budget_spent ? `${left(told.budget_spent)} of what may be bad of them` : "none of its budget spent";
  const alerts = told.fired_count ? `its alerts would have fired ${plural(told.fired_count, "time")}` : "no alert would have fired";
  return `${fine(told.good_share)} of ${count(told.valid_count)} were good ${since}: ${spent}, and ${alerts}.`;
}
