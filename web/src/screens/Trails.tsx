import { Button, NativeSelect, TextInput } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { api, type TrailRow } from "../api";
import { plural } from "../format";
import { Answer, Failed } from "../parts/Answer";
import { DurationsPlot } from "../parts/DurationsPlot";
import { HeatmapPlot } from "../parts/HeatmapPlot";
import { NothingHere } from "../parts/NothingHere";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { TrailTable } from "../parts/TrailTable";
import { asParameters, between, stepFor, type Range } from "../range";
import type { Search } from "../search";
import { OUTCOME_WORDS, OUTCOMES } from "./workflowWords";
import { heatOf } from "../views/heatmapLayout";

const PAGE = 50;
const FILTERS = ["service", "status", "min_ms", "max_ms", "q", "workflow", "outcome"] as const;

export default function Trails() {
  const range = useRange();
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const filter = Object.fromEntries(FILTERS.map((name) => [name, search[name]]));
  const query = useInfiniteQuery({
    queryKey: ["trails", filter, range.text, range.untilMs],
    queryFn: ({ pageParam, signal }) => api.trails(filter, asParameters(range), pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.cursor,
    placeholderData: keepPreviousData,
  });
  const trails = useMemo(() => query.data?.pages.flatMap((page) => page.trails) ?? [], [query.data]);
  const set = (change: Partial<Search>) => void navigate({ to: ".", replace: true, search: (before: Search) => ({ ...before, ...change }) });
  const clear = () => set(Object.fromEntries(FILTERS.map((name) => [name, undefined])));
  const named = FILTERS.filter((name) => search[name]).map((name) => `${FILTER_WORDS[name]} ${search[name]}`);
  return (
    <div className="screen trails" ref={box}>
      <header className="function-head">
        <h1>Trails</h1>
        {search.q && !search.q.includes("=") && (
          <Link to="/about/$value" params={{ value: search.q }}>
            everything about {search.q}
          </Link>
        )}
      </header>
      <FilterBar search={search} set={set} clear={named.length ? clear : undefined} />
      {!search.q && !search.workflow && !search.outcome && <Heat search={search} range={range} set={set} />}
      <Answer query={query} what="the trails" rows={8}>
        {() =>
          trails.length === 0 ? (
            <NothingHere what="trails" filters={named} clear={clear} />
          ) : (
            <>
              {search.q && <Strip trails={trails} />}
              <TrailTable trails={trails} />
              {query.hasNextPage && (
                <Button variant="default" size="xs" className="more" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Load {PAGE} more
                </Button>
              )}
            </>
          )
        }
      </Answer>
    </div>
  );
}

const FILTER_WORDS: Record<(typeof FILTERS)[number], string> = { service: "service", status: "status", min_ms: "at least (ms)", max_ms: "at most (ms)", q: "value", workflow: "workflow", outcome: "outcome" };

function FilterBar({ search, set, clear }: { search: Search; set: (change: Partial<Search>) => void; clear?: () => void }) {
  const services = useQuery({ queryKey: ["services"], queryFn: ({ signal }) => api.services(signal) });
  const names = services.data?.services.map((service) => service.name).toSorted() ?? [];
  if (search.service && !names.includes(search.service)) names.unshift(search.service);
  return (
    <form className="filters" role="search" aria-label="Filter trails" onSubmit={(event) => event.preventDefault()}>
      <NativeSelect size="xs" label="Service" value={search.service ?? ""} onChange={(event) => set({ service: event.currentTarget.value || undefined })} data={[{ value: "", label: "any" }, ...names]} />
      <NativeSelect size="xs" label="Status" value={search.status ?? ""} onChange={(event) => set({ status: event.currentTarget.value || undefined })} data={[{ value: "", label: "any" }, "ok", "error", "open"]} />
      <NativeSelect size="xs" label="Outcome" value={search.outcome ?? ""} onChange={(event) => set({ outcome: event.currentTarget.value || undefined })} data={[{ value: "", label: "any" }, ...OUTCOMES.map((one) => ({ value: one, label: OUTCOME_WORDS[one] }))]} />
      {search.workflow && <TextInput size="xs" label="Workflow" value={search.workflow} readOnly />}
      <Slow label="At least, ms" value={search.min_ms} set={(min_ms) => set({ min_ms })} numeric />
      <Slow label="At most, ms" value={search.max_ms} set={(max_ms) => set({ max_ms })} numeric />
      <Slow label="Value, or name=value" value={search.q} set={(q) => set({ q })} />
      {clear && (
        <Button size="xs" variant="default" onClick={clear}>
          Clear
        </Button>
      )}
    </form>
  );
}

/** A field that waits for a pause before it asks. */
function Slow({ label, value, set, numeric = false }: { label: string; value?: string; set: (value?: string) => void; numeric?: boolean }) {
  const [text, setText] = useState(value ?? "");
  const sent = useRef(value ?? "");
  useEffect(() => {
    if ((value ?? "") === sent.current) return;
    sent.current = value ?? "";
    setText(value ?? "");
  }, [value]);
  useEffect(() => {
    const usable = numeric ? text.replace(/[^0-9.]/g, "") : text.trim();
    if (usable === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = usable;
      set(usable || undefined);
    }, 300);
    return () => clearTimeout(timer);
  });
  return <TextInput size="xs" label={label} value={text} onChange={(event) => setText(event.currentTarget.value)} inputMode={numeric ? "decimal" : "text"} className={numeric ? "narrow" : "wide"} />;
}

/** All trails of the range by start and duration; a click or a drawn box narrows the list to it. */
function Heat({ search, range, set }: { search: Search; range: Range; set: (change: Partial<Search>) => void }) {
  const { service, status } = search;
  const query = useQuery({
    queryKey: ["durations", service, status, range.text, range.untilMs],
    queryFn: ({ signal }) => api.durations({ service, status }, asParameters(range), stepFor(range, 72), signal),
    placeholderData: keepPreviousData,
  });
  const heat = useMemo(() => query.data && heatOf(query.data), [query.data]);
  if (!heat?.cells.length) return query.isError ? <Failed error={query.error} retry={query.refetch} what="the durations" brief /> : null;
  const total = heat.cells.reduce((sum, cell) => sum + cell.count, 0);
  return (
    <section aria-labelledby="heat">
      <h2 id="heat">
        How long they took <small>{plural(total, "trail")}; stronger: more, red: failed; click a cell or draw a box to narrow the list</small>
      </h2>
      <HeatmapPlot
        heat={heat}
        height={150}
        label={`Durations of ${total} trails over time; the fields above narrow the list as well`}
        choose={(one) => set({ t: between(one.fromMs, one.toMs), min_ms: one.lowMs.toPrecision(4), max_ms: one.highMs.toPrecision(4) })}
      />
    </section>
  );
}

function Strip({ trails }: { trails: TrailRow[] }) {
  const navigate = useNavigate();
  const dots = useMemo(() => trails.map((row) => ({ timeMs: Date.parse(row.start), durationMs: row.duration_ms, bad: row.status === "error", cold: (row.cold_start_count ?? 0) > 0, id: row.trail_id })), [trails]);
  const times = dots.map((dot) => dot.timeMs);
  const [from, to] = [Math.min(...times), Math.max(...times)];
  return (
    <DurationsPlot
      dots={dots}
      fromMs={from}
      toMs={Math.max(to, from + 1000)}
      height={92}
      label={`Durations of the ${trails.length} trails listed below, by start`}
      choose={(id) => void navigate({ to: "/trail/$id", params: { id } })}
    />
  );
}
