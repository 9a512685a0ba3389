import { Link } from "@tanstack/react-router";
import { clock, count, full } from "../format";

export function codeTone(code: number | null | undefined, failed = false): string {
  if (failed || (code ?? 0) >= 500) return "bad";
  return (code ?? 0) >= 400 ? "warn" : "ok";
}

/** Which statuses were answered, and how often. */
export function Statuses({ statuses }: { statuses: { status_code: number | null; count: number }[] }) {
  const known = statuses.filter((one) => one.status_code !== null);
  if (!known.length) return <span className="dim">not told</span>;
  return (
    <span className="chips">
      {known.map((one) => (
        <span key={one.status_code} className={`chip ${codeTone(one.status_code)}`}>
          <b>{one.status_code}</b> ×{count(one.count)}
        </span>
      ))}
    </span>
  );
}

export interface Answered {
  time: string;
  code: number | null;
  failed: boolean;
  trail: string;
  node?: string;
}

/** The newest answers, newest first, each a way to its trail. */
export function LatestAnswers({ answers }: { answers: Answered[] }) {
  return (
    <span className="answers">
      {answers.map((one, i) => (
        <Link
          key={`${one.trail}${one.time}${i}`}
          to="/trail/$id"
          params={{ id: one.trail }}
          search={{ sel: one.node }}
          className={codeTone(one.code, one.failed)}
          title={`${full(one.time)}: ${one.code ?? (one.failed ? "failed" : "answered, status not told")}`}
          aria-label={`${one.code ?? (one.failed ? "failed" : "answered")} at ${clock(one.time)}`}
        >
          {one.code ?? (one.failed ? "✗" : "✓")}
        </Link>
      ))}
    </span>
  );
}
