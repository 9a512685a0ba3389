import { Link } from "@tanstack/react-router";
import type { LogSignal } from "../api";
import { clock, full, spoken, text } from "../format";
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
  if (!parts) return line;
  return (
    <>
      {parts.message} <span className="dim">{parts.rest}</span>
    </>
  );
}
