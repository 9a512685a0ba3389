import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef } from "react";
import { api, type Entry, type ErrorGroup, type RedGroup } from "../api";
import { moment, percent } from "../format";
import { Answer } from "../parts/Answer";
import { NothingHere } from "../parts/NothingHere";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { GroupName, RedTable } from "../parts/RedTable";
import { TrailTable } from "../parts/TrailTable";
import { asParameters, stepFor, type Range } from "../range";
import { asGroup, entryName, trailsOfEntry } from "./entries";
import { EntryTable, ResourceTable } from "./OverviewTables";
import { errorShare, failingSince, onGrid, verdict, type Verdict } from "./trouble";

type Kind = "function" | "service";

function useRed(group: Kind, range: Range, enabled = true) {
  return useQuery({
    queryKey: ["red", group, range.text, range.untilMs],
    queryFn: ({ signal }) => api.red(group, asParameters(range), stepFor(range), signal, "counts"),
    select: onGrid,
    placeholderData: keepPreviousData,
    enabled,
  });
}

export default function Overview() {
  const range = useRange();
  const functions = useRed("function", range);
  const entries = useQuery({
    queryKey: ["entries", range.text, Math.floor(range.untilMs / 20_000)],
    queryFn: ({ signal }) => api.entries(asParameters(range), stepFor(range), signal, "counts"),
    placeholderData: keepPreviousData,
  });
  const table = useRef<HTMLDivElement>(null);
  useRowKeys(table);
  const functionless = functions.data?.groups.length === 0;
  const services = useRed("service", range, functionless);
  const said = judge(functions.data?.groups, services.data?.groups, entries.data?.entries);
  const worst = said?.tone === "bad" && said.worst && functions.data?.groups.includes(said.worst) ? said.worst : null;
  const why = useQuery({
    queryKey: ["errors", worst?.name, range.text, range.untilMs],
    queryFn: ({ signal }) => api.errors(worst!.name, asParameters(range), signal),
    enabled: worst !== null,
    placeholderData: keepPreviousData,
  });
  // What stands below waits for the top: the engine answers all of it on the same few cores.
  const below = !functions.isPending && !entries.isPending && !why.isLoading;
  const nothing = functionless && entries.data?.entries.length === 0 && services.data?.groups.length === 0;
  return (
    <div className="screen overview" ref={table}>
      <h1 className="hidden">Overview</h1>
      {nothing ? (
        <NothingHere what="invocations, requests or spans" />
      ) : (
        <>
          <VerdictLine said={said} worst={worst} why={why.data?.name === worst?.name ? why.data?.errors : undefined} entries={entries.data?.entries} />
          <Capabilities range={range} />
          <section aria-labelledby="entries">
            <h2 id="entries">Entries</h2>
            <Answer query={entries} what="the entries" rows={3}>
              {(data) => <EntryTable answer={data} entries={data.entries} seconds={(Date.parse(data.until) - Date.parse(data.counted_since)) / 1000} />}
            </Answer>
          </section>
          {functionless ? (
            <section aria-labelledby="services">
              <h2 id="services">Services</h2>
              <Answer query={services} what="the services" rows={5}>
                {(data) => <RedTable groups={data.groups} seconds={(range.untilMs - range.sinceMs) / 1000} kind="service" />}
              </Answer>
            </section>
          ) : (
            <section aria-labelledby="functions">
              <h2 id="functions">Functions</h2>
              <Answer query={functions} what="the functions" rows={5}>
                {(data) => <RedTable groups={data.groups} seconds={(range.untilMs - range.sinceMs) / 1000} kind="function" />}
              </Answer>
            </section>
          )}
          <Resources range={range} asked={below} />
          <Failures range={range} asked={below} />
        </>
      )}
    </div>
  );
}

/** What users can do, by the application that services say they belong to and by workflow; nothing where there is neither. */
function Capabilities({ range }: { range: Range }) {
  const query = useQuery({
    queryKey: ["capabilities", range.text, Math.floor(range.untilMs / 20_000)],
    queryFn: ({ signal }) => api.capabilities(asParameters(range), stepFor(range), signal, "counts"),
    select: onGrid,
    placeholderData: keepPreviousData,
  });
  if (!query.data?.groups.length) return null;
  return (
    <section aria-labelledby="capabilities">
      <h2 id="capabilities">
        Capabilities <small>what users can do, by application and workflow, the worst first</small>
      </h2>
      <Answer query={query} what="the capabilities" rows={2}>
        {(data) => <RedTable groups={data.groups} seconds={(Date.parse(data.until) - Date.parse(data.since)) / 1000} kind="capability" />}
      </Answer>
    </section>
  );
}

/** Queues, streams and tables; nothing where none is named. */
function Resources({ range, asked }: { range: Range; asked: boolean }) {
  const query = useQuery({
    // What there is changes slowly, and costs a reading of all attributes.
    queryKey: ["resources", range.text, Math.floor(range.untilMs / 30_000)],
    queryFn: ({ signal }) => api.resources(asParameters(range), signal),
    placeholderData: keepPreviousData,
    enabled: asked,
  });
  if (query.data?.resources.length === 0) return null;
  return (
    <section aria-labelledby="resources">
      <h2 id="resources">Queues, streams and tables</h2>
      <Answer query={query} what="queues, streams and tables" rows={3}>
        {(data) => <ResourceTable rows={data.resources} seconds={(range.untilMs - Date.parse(data.counted_since)) / 1000} />}
      </Answer>
    </section>
  );
}

/** One click from trouble to a trail. */
function Failures({ range, asked }: { range: Range; asked: boolean }) {
  const query = useQuery({
    queryKey: ["trails", "failures", range.text, range.untilMs],
    queryFn: ({ signal }) => api.trails({ status: "error" }, asParameters(range), null, 6, signal),
    placeholderData: keepPreviousData,
    enabled: asked,
  });
  if (query.data?.trails.length === 0) return null;
  return (
    <section aria-labelledby="failures">
      <h2 id="failures">
        Latest trails that failed{" "}
        <small>
          <Link to="/trails" search={{ status: "error" }}>
            all of them
          </Link>
        </small>
      </h2>
      <Answer query={query} what="the latest failures" rows={3}>
        {(data) => <TrailTable trails={data.trails} />}
      </Answer>
    </section>
  );
}

/** Functions first, and if one of them fails they say it all; where they all work, an entry that does not. Null while it cannot be told. */
function judge(functions?: RedGroup[], services?: RedGroup[], entries?: Entry[]): Verdict | null {
  const groups = functions?.length ? functions : functions && services;
  if (!groups) return null;
  const said = verdict(groups, groups === functions ? "function" : "service");
  if (said.tone === "bad") return said;
  if (!entries) return null;
  const outside = verdict(entries.map(asGroup), "route");
  return outside.tone === "bad" ? outside : said;
}

function VerdictLine({ said, worst, why, entries }: { said: Verdict | null; worst: RedGroup | null; why?: ErrorGroup[]; entries?: Entry[] }) {
  if (!said) return <p className="verdict dim">Looking …</p>;
  const error = worst && why?.toSorted((a, b) => b.count - a.count)[0];
  const since = said.worst && failingSince(said.worst);
  return (
    <p className={`verdict ${said.tone}`} role="status">
      <span className="verdict-mark" aria-hidden />
      <span>
        <strong>{said.headline}</strong>
        {said.worst && said.tone === "bad" && (
          <>
            {": "}
            <Worst group={said.worst} kind={worst ? "function" : "service"} entries={entries ?? []} />, {percent(errorShare(said.worst))} errors
            {error && `, ${error.type}`}
            {since ? ` since ${moment(since)}` : " all the time shown"}
          </>
        )}
        {error && (
          <small>
            {error.message}{" "}
            {error.trail_id && (
              <Link to="/trail/$id" params={{ id: error.trail_id }}>
                see one trail
              </Link>
            )}
          </small>
        )}
      </span>
    </p>
  );
}

function Worst({ group, kind, entries }: { group: RedGroup; kind: Kind; entries: Entry[] }) {
  const entry = group.kind === "route" && entries.find((one) => entryName(one) === group.name);
  if (!entry) return <GroupName group={group} kind={kind} />;
  return (
    <Link to="/trails" search={trailsOfEntry(entry)}>
      {group.name}
    </Link>
  );
}
