import { Link } from "@tanstack/react-router";
import type { LogSignal } from "../api";
import { clock, full, plural, spoken, text } from "../format";
import { severityOf } from "../views/model";

export function severity(log: LogSignal): string {
  return severityOf(log.severity_text || log.severity_number || log.severity || "");
}

/** Log lines in order; a JSON line shows its message first. */
export function LogLines({ logs, linked = false }: { logs: LogSignal[]; linked?: boolean }) {
  return (
    <ol className="logs">
      {logs.map((log, i) => (
        <li key={i} className={severity(log)}>
          <time dateTime={log.time} title={full(log.time)}>
            {clock(log.time, true)}
          </time>
          <span className="severity">{severity(log)}</span>
          <span className="body">
            {message(log)}
            {linked && log.trace_id && (
              <Link to="/trail/$id" params={{ id: log.trace_id }}>
                trail
              </Link>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}

function message(log: LogSignal) {
  const line = text(log.body);
  const parts = spoken(line);
  if (!parts) return <Lines text={line} />;
  return (
    <>
      {parts.message} <span className="dim">{parts.rest}</span>
    </>
  );
}

const MOST_LINES = 4;

/** A line with a stack behind it: the first line, and the rest on demand. */
function Lines({ text: value }: { text: string }) {
  const lines = value.trimEnd().split("\n");
  if (lines.length <= MOST_LINES) return value.trimEnd();
  return (
    <details>
      <summary>
        {lines[0]} <span className="dim">{plural(lines.length - 1, "more line")}</span>
      </summary>
      {lines.slice(1).join("\n")}
    </details>
  );
}
