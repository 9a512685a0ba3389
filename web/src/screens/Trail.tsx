import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { api } from "../api";
import { ago, duration, full, plural } from "../format";
import { Answer } from "../parts/Answer";
import { InvestigateButton } from "../parts/InvestigateButton";
import { useKeys } from "../parts/keys";
import { TrailCost } from "../parts/TrailCost";
import { Id, Status } from "../parts/small";
import type { Search } from "../search";
import { Outcomes } from "../trail/Outcomes";
import { NodePanel } from "../trail/NodePanel";
import { Shares } from "../trail/Shares";
import { Story } from "../trail/Story";
import { SequenceView, WaterfallView } from "../trail/views";
import { useZoom } from "../trail/zoom";
import { decode, failed, title, type TrailModel } from "../views/model";
import { MOST_NODES } from "../views/sequenceLayout";

const GraphView = lazy(() => import("../trail/GraphView"));

const VIEWS = [
  { value: "waterfall", label: "Waterfall" },
  { value: "sequence", label: "Sequence" },
  { value: "graph", label: "Graph" },
];

const SETTLES_AFTER_MS = 60_000;
const ASK_AGAIN_MS = 3000;

function settling(startMs: number, durationMs: number, open: boolean): boolean {
  return open || Date.now() - (startMs + durationMs) < SETTLES_AFTER_MS;
}

export default function Trail() {
  const { id } = useParams({ strict: false }) as { id: string };
  const query = useQuery({
    queryKey: ["trail", id],
    queryFn: ({ signal }) => api.trail(id, signal),
    refetchInterval: ({ state }) => state.data && settling(Date.parse(state.data.start), state.data.duration_ms, false) && ASK_AGAIN_MS,
    structuralSharing: false,
  });
  const canonical = query.data?.trail_id;
  const navigate = useNavigate();
  useEffect(() => {
    // Any trace or node id leads here; the address becomes the trail's own.
    if (canonical && canonical !== id) void navigate({ to: "/trail/$id", params: { id: canonical }, search: (before: Search) => before, replace: true });
  }, [canonical, id, navigate]);
  return (
    <div className="screen trail">
      <Answer query={query} what="the trail" rows={10}>
        {(columns) => <Loaded key={id} columns={columns} />}
      </Answer>
    </div>
  );
}

function Loaded({ columns }: { columns: Parameters<typeof decode>[0] }) {
  const model = useMemo(() => decode(columns), [columns]);
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const tab = VIEWS.find((view) => view.value === search.tab)?.value ?? "waterfall";
  const set = useCallback((change: Partial<Search>) => void navigate({ to: ".", replace: true, search: (before: Search) => ({ ...before, ...change }) }), [navigate]);
  const selected = search.sel ? (model.rowOf.get(search.sel) ?? -1) : -1;
  const select = useCallback((row: number) => set({ sel: model.nodeId[row] }), [model, set]);
  const [choice, setChoice] = useState({ text: "", errorsOnly: false, logs: model.size <= 200 });
  const [matches, setMatches] = useState(model.size);
  const zoom = useZoom(search.z, model.durationMs, (z) => set({ z }));
  const show = (view: string) => {
    zoom.settle();
    set({ tab: view === "waterfall" ? undefined : view });
  };
  useKeys({
    e: () => nextFailure(model, selected, select),
    Escape: () => set({ sel: undefined }),
    "[": () => follow(model, selected, "causesOf", select),
    "]": () => follow(model, selected, "effectsOf", select),
    "v w": () => show("waterfall"),
    "v s": () => show("sequence"),
    "v g": () => show("graph"),
  });
  const shared = { model, selected, select, window: zoom.window, zoomed: zoom.zoomed };
  return (
    <>
      <Head model={model} />
      <Outcomes outcomes={model.outcomes} select={(node) => set({ sel: node })} />
      <Story story={model.story} selected={search.sel} select={(node) => set({ sel: node })} />
      <Shares model={model} select={select} />
      <div className="trail-tools">
        <SegmentedControl size="xs" aria-label="View" value={tab} onChange={show} data={VIEWS} />
        {tab === "waterfall" ? <Filter choice={choice} setChoice={setChoice} matches={matches} size={model.size} /> : <ViewNote model={model} graph={tab === "graph"} />}
      </div>
      <div className={selected >= 0 ? "trail-body with-panel" : "trail-body"}>
        {tab === "waterfall" && <WaterfallView {...shared} filter={choice} onMatches={setMatches} />}
        {tab === "sequence" && <SequenceView {...shared} />}
        {tab === "graph" && (
          <Suspense fallback={<div className="view" />}>
            <GraphView {...shared} />
          </Suspense>
        )}
        {selected >= 0 && <NodePanel model={model} row={selected} select={select} close={() => set({ sel: undefined })} />}
      </div>
    </>
  );
}

function nextFailure(model: TrailModel, selected: number, select: (row: number) => void): void {
  const bad = [...model.order].filter((row) => failed(model.status_[row]));
  if (bad.length) select(bad[(bad.indexOf(selected) + 1) % bad.length]);
}

/** To a cause or an effect of the selected node: the one on the critical path where there are several. */
function follow(model: TrailModel, selected: number, way: "causesOf" | "effectsOf", select: (row: number) => void): void {
  const rows = (model[way].get(selected) ?? []).map((i) => (way === "causesOf" ? model.edges[i].from : model.edges[i].to));
  const next = selected < 0 ? model.order[0] : (rows.find((row) => model.critical.has(row)) ?? rows[0]);
  if (next !== undefined) select(next);
}

function Head({ model }: { model: TrailModel }) {
  const [, tick] = useState(0);
  const young = settling(model.startMs, model.durationMs, model.status === "open");
  useEffect(() => {
    if (!young) return;
    const timer = setInterval(() => tick((n) => n + 1), ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [young]);
  const errors = useMemo(() => model.status_.filter(failed).length, [model]);
  const cold = useMemo(() => model.cold.filter(Boolean).length, [model]);
  const services = useMemo(() => new Set(model.service).size, [model]);
  return (
    <header className="trail-head">
      <h1>{model.size ? title(model, model.order[0]) : "Trail"}</h1>
      <Status status={model.status} />
      <span className="facts">
        <span><b>{duration(model.durationMs)}</b></span>
        <span>{plural(model.size, "node")}</span>
        <span>{plural(services, "service")}</span>
        {errors > 0 && <span className="bad">{plural(errors, "failure")}</span>}
        {cold > 0 && <span className="cold">{plural(cold, "cold start")}</span>}
        <TrailCost id={model.id} size={model.size} />
        <span title={full(model.startMs)}>{ago(model.startMs)}</span>
      </span>
      {young && (
        <span className="settling" title="Young data is still arriving: Firehose alone delivers up to a minute late. This page asks again by itself.">
          settling, more may arrive
        </span>
      )}
      <span className="grow" />
      <InvestigateButton start={{ kind: "trail", id: model.id }} />
      <Id value={model.id} length={16} />
    </header>
  );
}

interface Choice {
  text: string;
  errorsOnly: boolean;
  logs: boolean;
}

function Filter({ choice, setChoice, matches, size }: { choice: Choice; setChoice: (choice: Choice) => void; matches: number; size: number }) {
  const filtering = choice.text !== "" || choice.errorsOnly;
  return (
    <>
      <TextInput size="xs" className="wide" aria-label="Filter nodes by text" placeholder="Filter by name, id or log text" value={choice.text} onChange={(event) => setChoice({ ...choice, text: event.currentTarget.value })} />
      <Button size="xs" variant="default" aria-pressed={choice.errorsOnly} onClick={() => setChoice({ ...choice, errorsOnly: !choice.errorsOnly })}>
        Failures only
      </Button>
      <Button size="xs" variant="default" aria-pressed={choice.logs} onClick={() => setChoice({ ...choice, logs: !choice.logs })}>
        Log lines
      </Button>
      {filtering && <span className="dim" role="status">{`${matches.toLocaleString("en-US")} of ${plural(size, "node")}`}</span>}
      <span className="grow" />
      <span className="dim legend">drag to zoom, double-click for all</span>
    </>
  );
}

function ViewNote({ model, graph }: { model: TrailModel; graph: boolean }) {
  if (!graph && model.size > MOST_NODES)
    return <span className="dim legend">{`showing ${MOST_NODES.toLocaleString("en-US")} of ${plural(model.size, "node")}: the critical path, failures, then the earliest; zoom in for the rest`}</span>;
  return <span className="dim legend">{graph ? "solid: certain, dashed: inferred; hover an arrow for its evidence; ctrl and wheel, + and - zoom" : "solid: certain, dashed: inferred, hatched: waiting, blue cap: cold start; ctrl and wheel, + and - zoom"}</span>;
}
