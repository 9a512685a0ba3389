import type { OutcomeStatus, WorkflowRow } from "../workflowsApi";
import { count, percent, plural } from "../format";

export const OUTCOMES: OutcomeStatus[] = ["complete", "late", "incomplete", "duplicated", "out_of_order", "failed", "open"];

export const OUTCOME_WORDS: Record<OutcomeStatus, string> = {
  complete: "complete",
  late: "late",
  incomplete: "incomplete",
  duplicated: "duplicated",
  out_of_order: "out of order",
  failed: "failed",
  open: "open",
};

export const OUTCOME_TONES: Record<OutcomeStatus, string> = {
  complete: "ok",
  late: "warn",
  incomplete: "bad",
  duplicated: "warn",
  out_of_order: "bad",
  failed: "bad",
  open: "dim",
};

/** How many of the trails of which it is decided came out as they should. */
export function goodShare(row: WorkflowRow): number | null {
  const decided = row.trail_count - (row.outcomes.open ?? 0);
  return decided ? (row.outcomes.complete ?? 0) / decided : null;
}

/** What is said first: that all is well, or of how many trails what is wrong. */
export function told(row: WorkflowRow): { tone: string; headline: string } {
  const share = goodShare(row);
  if (share === null) return { tone: "", headline: row.trail_count ? `${plural(row.trail_count, "trail")}, all still open` : "No trail of it in this range" };
  const wrong = OUTCOMES.filter((one) => one !== "complete" && one !== "open" && row.outcomes[one]);
  if (!wrong.length) return { tone: "ok", headline: `All ${count(row.outcomes.complete ?? 0)} trails came out as they should` };
  const parts = wrong.map((one) => `${count(row.outcomes[one]!)} ${OUTCOME_WORDS[one]}`);
  const tone = wrong.some((one) => OUTCOME_TONES[one] === "bad") ? "bad" : "warn";
  return { tone, headline: `${parts.join(", ")} of ${count(row.trail_count)} trails; ${percent(share)} complete` };
}
