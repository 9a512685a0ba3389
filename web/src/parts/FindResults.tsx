import { Link } from "@tanstack/react-router";
import type { Match } from "../api";
import { ago, full, plural } from "../format";
import { byTrail, kindWords } from "./found";

/** Trails that carry the value, and as what. */
export function FindResults({ matches, value, onFollow }: { matches: Match[]; value: string; onFollow?: () => void }) {
  const groups = byTrail(matches);
  return (
    <>
      <p className="dim" role="status">
        {plural(matches.length, "match", "matches")} in {plural(groups.length, "trail")}.{" "}
        <Link to="/about/$value" params={{ value }} onClick={onFollow}>
          Everything about it
        </Link>
      </p>
      <ul className="matches">
        {groups.map((group) => (
          <li key={group[0].trail_id}>
            <Link to="/trail/$id" params={{ id: group[0].trail_id }} search={{ sel: group[0].node_id }} onClick={onFollow} data-row-link>
              <span className="kind">{kindWords(group[0].key_kind)}</span>
              <span>{[...new Set(group.map((match) => match.service))].slice(0, 3).join(", ")}</span>
              <span className="dim" title={full(group[0].time)}>
                {ago(group[0].time)}
              </span>
              <span className="mono dim">{group[0].trail_id.slice(0, 16)}</span>
              <span className="dim">{group.length > 1 ? plural(group.length, "node") : ""}</span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}
