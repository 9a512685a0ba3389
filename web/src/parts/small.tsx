import { useEffect, useState } from "react";
import { words } from "../format";
import { sparkArea, sparkline } from "../views/sparkline";

/** Copy text, and say so for a moment. */
export function useCopied(): [string | null, (text: string) => void] {
  const [copied, setCopied] = useState<string | null>(null);
  useEffect(() => {
    if (copied === null) return;
    const timer = setTimeout(() => setCopied(null), 1200);
    return () => clearTimeout(timer);
  }, [copied]);
  return [copied, (text) => void navigator.clipboard.writeText(text).then(() => setCopied(text), () => setCopied(null))];
}

/** An id in monospace; a click copies the whole of it. */
export function Id({ value, length = 0 }: { value: string; length?: number }) {
  const [copied, copy] = useCopied();
  const shown = length && value.length > length ? `${value.slice(0, length)}…` : value;
  return (
    <button
      type="button"
      className="id"
      title={`${value}\nclick to copy`}
      onClick={(event) => {
        event.stopPropagation();
        copy(value);
      }}
    >
      {copied ? "copied" : shown}
    </button>
  );
}

/** A command or a few lines with a copy button. */
export function CopyBlock({ text, label }: { text: string; label: string }) {
  const [copied, copy] = useCopied();
  return (
    <div className="copy-block">
      <pre tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <button type="button" className="copy" onClick={() => copy(text)} aria-label={`Copy ${label}`}>
        {copied ? "copied" : "copy"}
      </button>
    </div>
  );
}

const TONE: Record<string, string> = { ok: "ok", complete: "ok", open: "dim", throttled: "warn", partial: "warn", late: "warn", duplicated: "warn" };

export function Status({ status }: { status: string }) {
  return <span className={`status ${TONE[status] ?? "bad"}`}>{words(status)}</span>;
}

/** Requests as an area, errors as a line over it, both to the same scale. */
export function Spark({ counts, errors, label }: { counts: number[]; errors: number[]; label: string }) {
  const [width, height] = [120, 24];
  const top = Math.max(...counts, 1);
  return (
    <svg className="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <path className="spark-area" d={sparkArea(counts, width, height, top)} />
      <path className="spark-line" d={sparkline(counts, width, height, top)} />
      {errors.some((n) => n > 0) && <path className="spark-errors" d={sparkline(errors, width, height, top)} />}
    </svg>
  );
}
