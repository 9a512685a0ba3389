import type { CostsAnswer, Verdict } from "../costsApi";
import { moment, plural } from "../format";
import { money } from "../money";

type Tone = "ok" | "warn" | "bad" | "none";
const TONES: Record<Verdict, Tone> = { reduced: "ok", moved: "warn", increased: "bad", unchanged: "none", unknown: "none" };

/** What the costs come to in a sentence, and under which assumptions. Pure. */
export function costVerdict(answer: CostsAnswer, range: string): { tone: Tone; headline: string; details: string[] } {
  const { comparison, trail_count: trails } = answer;
  const total = `${money(answer.total_usd)} ${range}`;
  const each = trails ? `, ${money((Number(answer.total_usd) * 1000) / trails)} per thousand of its ${plural(trails, "trail")}` : "";
  const details = [`${assumed(answer)}`];
  if (!comparison) return { tone: "none", headline: `${total}${each}.`, details };
  details.unshift(`${total}${each}. Compared with ${moment(comparison.since)} – ${moment(comparison.until)}, ${plural(comparison.trail_count, "trail")}.`);
  return { tone: TONES[comparison.verdict], headline: comparison.words, details };
}

function assumed(answer: CostsAnswer): string {
  const region = answer.region_told ? answer.region : `${answer.region}, as nothing tells the region`;
  const elsewhere = answer.prices.filter((one) => one.region !== answer.region && one.region !== "settings").length;
  const parts = [`List prices of ${region}`];
  if (elsewhere) parts.push(`${plural(elsewhere, "price")} of us-east-1, where the region's own is not known`);
  parts.push(answer.free_tier ? "the free tier taken off" : "without the free tier");
  return `${parts.join("; ")}.`;
}
