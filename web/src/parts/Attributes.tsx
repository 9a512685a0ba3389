import { Link } from "@tanstack/react-router";
import { text } from "../format";
import { Id } from "./small";

const MOST = 200;
/** Names whose values somebody asks about: whose it is, what it belongs to. */
const WHOSE = /(^|[._])((end)?user|customer|tenant|order|invoice|correlation|activity)[._]?id$/i;

/** Attributes by name, each value copied with a click. Also reads OTLP/JSON's list of key and value. */
export function Attributes({ value }: { value: unknown }) {
  const pairs = entries(value);
  if (!pairs.length) return <p className="dim">none</p>;
  return (
    <dl className="pairs attributes">
      {pairs.slice(0, MOST).map(([name, one]) => (
        <div key={name}>
          <dt title={name}>{name}</dt>
          <dd>
            <Id value={text(one)} />
            {WHOSE.test(name) && typeof one === "string" && one !== "" && (
              <Link to="/about/$value" params={{ value: one }} className="about-link" title={`Everything about ${one}`}>
                about
              </Link>
            )}
          </dd>
        </div>
      ))}
      {pairs.length > MOST && <p className="dim">and {pairs.length - MOST} more under raw signals</p>}
    </dl>
  );
}

function entries(value: unknown): [string, unknown][] {
  if (Array.isArray(value)) return value.map((pair: { key?: string; value?: unknown }) => [String(pair.key), plain(pair.value)]);
  if (value && typeof value === "object") return Object.entries(value).sort(([a], [b]) => a.localeCompare(b));
  return [];
}

function plain(value: unknown): unknown {
  return value && typeof value === "object" && Object.keys(value).length === 1 ? Object.values(value)[0] : value;
}
