/** What the screens of alerts say. Pure. */

import type { AlertRow, AlertsAnswer, Phase, SilenceRow, WayOut } from "../alertsApi";
import { plural } from "../format";

export const TONES: Record<Phase, string> = { firing: "bad", pending: "warn", recovered: "ok", inactive: "dim" };

/** How all of them stand, in a sentence. */
export function overall(answer: AlertsAnswer): { tone: string; headline: string; details: string[] } {
  const firing = answer.alerts.filter((one) => one.phase === "firing" && !one.muted);
  const muted = answer.alerts.filter((one) => one.phase === "firing" && one.muted).length;
  const details: string[] = [];
  if (!Object.values(answer.routes).some(Boolean)) details.push("No route is marked as default: alerts that name none are told to nobody.");
  if (answer.undelivered_count) details.push(`${plural(answer.undelivered_count, "message")} could not be delivered.`);
  if (muted) details.push(`${plural(muted, "alert")} ${muted === 1 ? "is" : "are"} muted: silenced, or part of another one.`);
  for (const [what, why] of Object.entries(answer.broken)) details.push(`${what} cannot be read: ${why}`);
  if (firing.length) return { tone: "bad", headline: firing.length === 1 ? `${firing[0].title} fires` : `${firing.length} alerts fire`, details };
  if (answer.counts.pending) return { tone: "warn", headline: `Nothing fires; ${plural(answer.counts.pending, "alert")} may soon`, details };
  return { tone: "ok", headline: "Nothing fires", details };
}

/** The state of one, in a word or two. */
export function stateOf(one: AlertRow): string {
  if (!one.enabled) return "switched off";
  if (one.phase !== "firing") return one.phase;
  if (one.muted) return one.muted;
  return one.acknowledged_by ? `acknowledged by ${one.acknowledged_by}` : "firing";
}

/** Where a route leads, in a word or two; never what is secret. */
export function leadsTo(to: WayOut): string {
  if (to.type === "email") return `e-mail to ${(to.to ?? []).join(", ")}`;
  if (to.type === "sns") return `SNS topic ${to.topic_arn?.split(":").at(-1)} in ${to.topic_arn?.split(":")[3]}`;
  if (to.type === "webhook" || to.type === "alertmanager") return `${to.type} at ${/^https?:\/\/([^/?#@]*@)?([^/?#]+)/.exec(to.url ?? "")?.[2] ?? "?"}`;
  return { slack: "Slack", pagerduty: "PagerDuty", opsgenie: "Opsgenie" }[to.type] ?? to.type;
}

/** When a silence holds. */
export function holds({ spec }: SilenceRow): string {
  const { weekly, until } = spec;
  const week = weekly ? `${(weekly.days ?? ["every day"]).join(", ")} ${weekly.begins}–${weekly.ends} ${weekly.zone ?? "UTC"}` : "";
  const end = until ? `until ${until.slice(0, 16).replace("T", " ")} UTC` : "";
  return [week, end].filter(Boolean).join(", ");
}

/** A name for a silence that is made with a click: of the alert and the minute. */
export function silenceName(alert: string, now: Date): string {
  return `${alert.slice(0, 40)}-${now.toISOString().slice(0, 16).replace(/[^0-9]/g, "")}`;
}
