import { Link } from "@tanstack/react-router";
import { useRef } from "react";
import type { Range } from "../range";
import type { Search } from "../search";
import { widthOf, type Board as BoardModel, type Panel } from "./board";
import { useInSight, useTitle } from "./hooks";
import { PanelBody } from "./PanelBody";

/** A dashboard as it is looked at. */
export function Board({ board, range }: { board: BoardModel; range: Range }) {
  return (
    <div className="board">
      {board.rows.map((row, r) => (
        <section key={r} className="board-row" aria-label={row.title || `Row ${r + 1}`}>
          {row.title && <h2>{row.title}</h2>}
          {row.panels.map((panel, p) => (
            <PanelBox key={p} panel={panel} range={range} />
          ))}
        </section>
      ))}
    </div>
  );
}

function PanelBox({ panel, range }: { panel: Panel; range: Range }) {
  const box = useRef<HTMLElement>(null);
  const seen = useInSight(box);
  const words = panel.kind === "text";
  const title = useTitle(panel);
  return (
    <section ref={box} className={`board-panel of-${panel.kind} w${widthOf(panel)}`} aria-label={title}>
      {(!words || panel.title) && (
        <h3>
          <span title={title}>{title}</span>
          <More panel={panel} />
        </h3>
      )}
      <PanelBody panel={panel} range={range} seen={seen} />
    </section>
  );
}

/** The screen that tells more of what a panel shows. */
function More({ panel }: { panel: Panel }) {
  const name = String(panel.name ?? "");
  if (panel.kind === "red" && (panel.group ?? "function") === "function" && name) return <Link to="/function/$name" params={{ name }}>open</Link>;
  if (panel.kind === "watched" && name) return panel.service === "lambda" ? <Link to="/function/$name" params={{ name }}>open</Link> : <Link to="/resource/$name" params={{ name }} search={{ kind: String(panel.service) }}>open</Link>;
  if (panel.kind === "metric") return <Link to="/metrics" search={metricOf(panel)}>open</Link>;
  if (panel.kind === "trails") return <Link to="/trails" search={filterOf(panel)}>all</Link>;
  if (panel.kind === "findings") return <Link to="/findings">all</Link>;
  if (panel.kind === "event_sources") return <Link to="/event-sources">all</Link>;
  if (panel.kind === "limits") return <Link to="/limits">all</Link>;
  if (panel.kind === "costs") return <Link to="/costs" search={{ by: panel.by === "resource" ? undefined : String(panel.by ?? "service") }}>all</Link>;
  return null;
}

function metricOf(panel: Panel): Search {
  return { sel: told(panel.metric), stat: told(panel.stat), by: told(panel.by), where: told(panel.where) };
}

function filterOf(panel: Panel): Search {
  return { status: told(panel.status), service: told(panel.service), q: told(panel.q), min_ms: told(panel.min_ms) };
}

function told(value: unknown): string | undefined {
  return value === undefined || value === null || value === "" ? undefined : String(value);
}
