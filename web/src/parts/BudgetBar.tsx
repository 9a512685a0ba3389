import { left } from "../screens/objectiveWords";

/** How much of an error budget is left. */
export function BudgetBar({ share }: { share: number | null }) {
  const [width, height] = [120, 6];
  const shown = Math.min(1, Math.max(0, share ?? 0));
  const tone = share === null ? "" : share <= 0 ? "bad" : share < 0.25 ? "warn" : "ok";
  return (
    <span className="budget">
      <svg width={width} height={height} aria-hidden>
        <rect className={share !== null && share <= 0 ? "budget-over" : "gauge-track"} width={width} height={height} rx={3} />
        {shown > 0 && <rect className={`gauge ${tone}`} width={Math.max(3, shown * width)} height={height} rx={3} />}
      </svg>
      <span className={tone === "bad" || tone === "warn" ? tone : undefined}>{left(share)}</span>
    </span>
  );
}
