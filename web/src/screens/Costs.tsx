import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Fragment, useRef, useState } from "react";
import { costsApi, GROUPINGS, type Advice, type CostComparison, type CostComponent, type CostGroup, type CostsAnswer, type Grouping } from "../costsApi";
import { moment, percent, plural } from "../format";
import { around, beforeOf, change, money, PREVIOUS, quantity } from "../money";
import { Answer } from "../parts/Answer";
import { NothingHere } from "../parts/NothingHere";
import { useRange } from "../parts/range";
import { Said } from "../parts/Said";
import { useRowKeys } from "../parts/rowKeys";
import { asParameters, describe } from "../range";
import { costVerdict } from "./costWords";
import "./costs.css";

const NAMES: Record<Grouping, string> = { resource: "Resource", function: "Function", service: "AWS service", workflow: "Workflow", tenant: "Tenant" };

/** What the range cost, by whom, against before, and what would save. */
export default function CostsScreen() {
  const range = useRange();
  const { by: asked, before, q } = useSearch({ strict: false });
  const by = GROUPINGS.find((one) => one === asked) ?? "resource";
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const compared = beforeOf(before, range);
  const query = useQuery({
    queryKey: ["costs", by, before, q, range.text, range.untilMs],
    queryFn: ({ signal }) => costsApi.costs(asParameters(range), by, compared, q, signal),
    placeholderData: (earlier) => (earlier?.by === by && (earlier.workflow ?? undefined) === q && (earlier.comparison !== null) === (compared !== null) ? earlier : undefined),
  });
  const advice = useQuery({
    queryKey: ["cost advice", range.text, range.untilMs],
    queryFn: ({ signal }) => costsApi.advice(asParameters(range), signal),
    placeholderData: (earlier) => earlier,
  });
  return (
    <div className="screen costs" ref={box}>
      <header className="function-head">
        <h1>Costs</h1>
        <span className="dim">worked out from usage and AWS's list prices</span>
      </header>
      <Controls by={by} />
      <Answer query={query} what="the costs" rows={8}>
        {(answer) => <Whole answer={answer} />}
      </Answer>
      <Answer query={advice} what="the advice" rows={2}>
        {(answer) => <AdviceList advice={answer.advice} />}
      </Answer>
      {query.data && query.data.prices.length > 0 && <Prices answer={query.data} />}
    </div>
  );
}

function Controls({ by }: { by: Grouping }) {
  const navigate = useNavigate();
  const [openedMs] = useState(() => Date.now());
  const { before, q } = useSearch({ strict: false });
  const deployments = useQuery({
    queryKey: ["deployments", "month"],
    queryFn: ({ signal }) => costsApi.deployments({ since: "now-30d", until: "now" }, signal),
    staleTime: 60_000,
  });
  const listed = (deployments.data?.deployments ?? []).slice(0, 50);
  const current = listed.find((one) => Date.parse(before?.split("..")[1] ?? "") === Date.parse(one.time))?.id;
  const compare = (value: string) => {
    const chosen = listed.find((one) => one.id === value);
    const where = chosen ? around(chosen.time, openedMs) : { before: value || undefined };
    void navigate({ to: ".", search: (now: object) => ({ ...now, ...where }) });
  };
  return (
    <div className="cost-controls">
      <div role="group" aria-label="Show costs by">
        {GROUPINGS.map((one) => (
          <Button key={one} size="xs" variant="default" aria-pressed={one === by} onClick={() => void navigate({ to: ".", search: (now: object) => ({ ...now, by: one === "resource" ? undefined : one }) })}>
            {NAMES[one]}
          </Button>
        ))}
      </div>
      <label>
        Compare with{" "}
        <select value={before === PREVIOUS || !before ? (before ?? "") : (current ?? "range")} onChange={(event) => compare(event.currentTarget.value)}>
          <option value="">nothing</option>
          <option value={PREVIOUS}>the range before it</option>
          {before && before !== PREVIOUS && !current && <option value="range">{before.split("..").map((at) => moment(at)).join(" – ")}</option>}
          {listed.map((one) => (
            <option key={one.id} value={one.id}>
              before {one.application} {one.version}, {moment(one.time)}
            </option>
          ))}
        </select>
      </label>
      {q && (
        <span>
          Only what <strong>{q}</strong> caused.{" "}
          <button type="button" className="link" onClick={() => void navigate({ to: ".", search: (now: object) => ({ ...now, q: undefined }) })}>
            Show all
          </button>
        </span>
      )}
    </div>
  );
}

function Whole({ answer }: { answer: CostsAnswer }) {
  const range = useRange();
  const said = costVerdict(answer, range.relative ? `in the ${describe(range)}` : `from ${describe(range)}`);
  if (!answer.groups.length && !answer.comparison) return <NothingHere what="usage" />;
  return (
    <>
      <Said said={said} />
      {answer.comparison && answer.comparison.components.length > 0 && <Compared comparison={answer.comparison} />}
      <Groups key={answer.by} answer={answer} />
    </>
  );
}

function Compared({ comparison }: { comparison: CostComparison }) {
  const most = Math.max(...comparison.components.map((one) => Math.max(Number(one.before_usd), Number(one.after_usd))), 1e-15);
  return (
    <section aria-labelledby="compared">
      <h2 id="compared">
        Before and after <small>US dollars per thousand trails</small>
      </h2>
      <div className="table-box">
        <table className="table costs-table">
          <thead>
            <tr>
              <th scope="col">Component</th>
              <th scope="col">Of</th>
              <th scope="col" className="n">Before</th>
              <th scope="col" className="n">After</th>
              <th scope="col" className="n">Change</th>
              <th scope="col"><span className="hidden">Before and after, drawn</span></th>
            </tr>
          </thead>
          <tbody>
            {comparison.components.map((one) => (
              <tr key={`${one.service} ${one.resource} ${one.what}`}>
                <th scope="row">{one.what}</th>
                <td><Owner service={one.service} resource={one.resource} /></td>
                <td className="n">{money(one.before_usd)}</td>
                <td className="n">{money(one.after_usd)}</td>
                <td className={`n ${Number(one.change_usd) > 0 ? "warn" : ""}`}>{change(one.change_usd)}</td>
                <td className="bar-cell">
                  <span className="cost-bar before" style={{ width: `${(Number(one.before_usd) / most) * 100}%` }} />
                  <span className="cost-bar" style={{ width: `${(Number(one.after_usd) / most) * 100}%` }} />
                </td>
              </tr>
            ))}
            <tr className="sum">
              <th scope="row">all</th>
              <td />
              <td className="n">{money(comparison.before_usd)}</td>
              <td className="n">{money(comparison.after_usd)}</td>
              <td className="n">{change(comparison.change_usd)}</td>
              <td className="dim">{money(comparison.fell_usd)} fell, {money(comparison.rose_usd)} rose</td>
            </tr>
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** A function or resource with a page of its own. */
function Owner({ service, resource }: { service: string; resource: string }) {
  if (service === "lambda" || service === "logs" || service === "xray")
    return (
      <>
        <Link to="/function/$name" params={{ name: resource }}>{resource}</Link> <span className="dim">{service}</span>
      </>
    );
  return (
    <>
      <Link to="/resource/$name" params={{ name: resource }} search={{ kind: service }}>{resource}</Link> <span className="dim">{service}</span>
    </>
  );
}

function Groups({ answer }: { answer: CostsAnswer }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (name: string) => setOpen((before) => new Set(before.has(name) ? [...before].filter((one) => one !== name) : [...before, name]));
  return (
    <section aria-labelledby="cost-groups">
      <h2 id="cost-groups">
        By {NAMES[answer.by].replace(/^[RFWT]/, (letter) => letter.toLowerCase())} <small>{hint(answer.by)}</small>
      </h2>
      <div className="table-box">
        <table className="table costs-table">
          <thead>
            <tr>
              <th scope="col">{NAMES[answer.by]}</th>
              <th scope="col">Mostly</th>
              <th scope="col" className="n">Cost</th>
              <th scope="col" className="n">Per thousand trails</th>
              <th scope="col" className="n">Share</th>
              <th scope="col"><span className="hidden">Share, drawn</span></th>
            </tr>
          </thead>
          <tbody>
            {answer.groups.map((group) => {
              const name = group.name ?? "";
              return (
                <Fragment key={name}>
                  <GroupRow group={group} by={answer.by} trails={answer.trail_count} open={open.has(name)} toggle={() => toggle(name)} />
                  {open.has(name) && group.components.map((one, i) => <ComponentRow key={i} component={one} trails={answer.trail_count} />)}
                </Fragment>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function hint(by: Grouping): string {
  if (by === "function") return "its own running, and what it called";
  if (by === "workflow") return "shared out by the trails that each function was in";
  if (by === "tenant") return "shared out by the trails that name the tenant";
  return "";
}

function GroupRow({ group, by, trails, open, toggle }: { group: CostGroup; by: Grouping; trails: number; open: boolean; toggle: () => void }) {
  return (
    <tr className="row-link" onClick={(event) => !(event.target as Element).closest("a, button") && toggle()}>
      <th scope="row">
        <button type="button" className="link" data-row-link aria-expanded={open} onClick={toggle}>
          {group.name ?? "nobody known"}
        </button>
        {by === "workflow" && group.name && (
          <>
            {" "}
            <Link to="." search={(now: object) => ({ ...now, by: undefined, q: group.name ?? undefined })} className="dim">
              only this
            </Link>
          </>
        )}
        {group.components.some((one) => one.estimated) && <span className="dim" title="A part of it is estimated"> ≈</span>}
      </th>
      <td className="dim">{group.components[0]?.what}</td>
      <td className="n strong">{money(group.usd)}</td>
      <td className="n">{trails ? money((Number(group.usd) * 1000) / trails) : "–"}</td>
      <td className="n">{percent(group.share)}</td>
      <td className="bar-cell"><span className="cost-bar" style={{ width: `${group.share * 100}%` }} /></td>
    </tr>
  );
}

function ComponentRow({ component, trails }: { component: CostComponent; trails: number }) {
  return (
    <tr className="cost-part">
      <td>{component.what} <Owner service={component.service} resource={component.resource} /></td>
      <td className="dim">{quantity(component.quantity, component.unit)}</td>
      <td className="n">{money(component.usd)}</td>
      <td className="n">{trails ? money((Number(component.usd) * 1000) / trails) : "–"}</td>
      <td className="n dim">{component.estimated ? "estimated" : ""}</td>
      <td className="dim reason">{component.note}</td>
    </tr>
  );
}

function AdviceList({ advice }: { advice: Advice[] }) {
  return (
    <section aria-labelledby="advice">
      <h2 id="advice">What would save <small>per month, at this range's rate</small></h2>
      {advice.length === 0 ? (
        <p className="dim">Nothing in this range calls for a change. Advice needs REPORT lines of at least twenty attempts, or capacity that is hardly used.</p>
      ) : (
        <ul className="advice">
          {advice.map((one) => (
            <li key={`${one.kind} ${one.service} ${one.resource} ${one.text}`}>
              <strong>{saving(one)}</strong>
              <span>
                {one.text} <span className="dim">{one.basis === "observed" ? "Observed." : "A model."}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function saving(one: Advice): string {
  if (Number(one.most_usd_per_month) === 0) return "no saving";
  return one.least_usd_per_month === one.most_usd_per_month ? money(one.most_usd_per_month) : `up to ${money(one.most_usd_per_month)}`;
}

function Prices({ answer }: { answer: CostsAnswer }) {
  return (
    <details className="prices">
      <summary>{plural(answer.prices.length, "price")} used, with their sources</summary>
      <div className="table-box">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Price</th>
              <th scope="col" className="n">US dollars</th>
              <th scope="col">Per</th>
              <th scope="col">Region</th>
              <th scope="col">Source</th>
              <th scope="col">Read</th>
            </tr>
          </thead>
          <tbody>
            {answer.prices.map((one) => (
              <tr key={one.price_id}>
                <th scope="row" className="mono">{one.price_id}</th>
                <td className="n">{one.usd}</td>
                <td>{quantity(one.per, one.unit)}</td>
                <td className={one.region === answer.region || one.region === "settings" ? "" : "warn"}>{one.region}</td>
                <td>{one.source}</td>
                <td>{one.as_of}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
