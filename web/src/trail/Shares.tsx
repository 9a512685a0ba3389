import { useState } from "react";
import { duration, percent } from "../format";
import { title, waitWords, type TrailModel } from "../views/model";

const SHORT = 3;
const TONE: Record<string, string> = { work: "work", retry: "warn", throttle: "warn", init: "cold" };

/** What the time went for: work, a wait of a kind, or a wait of which nobody says what for. */
function spent(cause: string, place?: string | null): string {
  if (cause === "work") return "worked";
  if (place) return `waited ${waitWords(cause)} ${place}`;
  return cause === "wait" ? "waited" : `waited ${waitWords(cause)}`;
}

/** Where the time of the critical path went, the largest share first; a share selects its node. */
export function Shares({ model, select }: { model: TrailModel; select: (row: number) => void }) {
  const [all, setAll] = useState(false);
  const shares = model.shares.filter((one) => one.share >= 0.005 && model.rowOf.has(one.node_id));
  if (!shares.length) return null;
  const listed = shares.toSorted((a, b) => b.share - a.share);
  return (
    <section className="shares" aria-label="Where the time went">
      <svg width="100%" height={8} aria-hidden>
        {shares.map((one, i) => (
          <rect key={`${one.node_id}${one.cause}${i}`} className={TONE[one.cause] ?? "wait"} x={`${shares.slice(0, i).reduce((sum, before) => sum + before.share, 0) * 100}%`} width={`${one.share * 100}%`} height={8} />
        ))}
      </svg>
      <p>
        <span className="dim">Where the time went:</span>
        {listed.slice(0, all ? 20 : SHORT).map((one, i) => (
          <button key={`${one.node_id}${one.cause}${i}`} type="button" className="link" onClick={() => select(model.rowOf.get(one.node_id)!)}>
            <b>{percent(one.share)}</b> {title(model, model.rowOf.get(one.node_id)!)} {spent(one.cause, one.place)}, {duration(one.ms)}
          </button>
        ))}
        {listed.length > SHORT && (
          <button type="button" className="link dim" onClick={() => setAll(!all)}>
            {all ? "fewer" : `${listed.length - SHORT} more`}
          </button>
        )}
      </p>
    </section>
  );
}
