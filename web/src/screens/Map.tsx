import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { count, duration, percent, plural } from "../format";
import { serviceMap, type MapAnswer, type MapEdge } from "../mapApi";
import { Answer, Empty, Loading } from "../parts/Answer";
import { NothingHere } from "../parts/NothingHere";
import { useRange } from "../parts/range";
import { asParameters } from "../range";
import { ServiceMapView } from "../views/map";
import type { PlacedMap } from "../views/mapLayout";
import { edgeWords, filtered, fold, groupOf, MOST_NODES, troubled, type DrawnNode, type MapModel } from "../views/mapModel";
import { carriesMessages } from "./resourceWords";
import "./map.css";

const GROUPINGS = ["application", "service.namespace", "cloud.account.id", "cloud.region", "none"];

/** Functions, queues, streams, tables, APIs and hosts, and what went between them. */
export default function MapScreen() {
  const range = useRange();
  const { q = "", sel, tab } = useSearch({ strict: false });
  const navigate = useNavigate();
  const group = tab ?? "application";
  const query = useQuery({
    queryKey: ["map", group, range.text, Math.floor(range.untilMs / 20_000)],
    queryFn: ({ signal }) => serviceMap(asParameters(range), group, signal),
    placeholderData: (before) => before,
  });
  const change = useCallback(
    (next: { q?: string; sel?: string; tab?: string }) => void navigate({ to: "/map", search: (before: object) => ({ ...before, ...next }), replace: true }),
    [navigate],
  );
  return (
    <div className="screen map-screen">
      <h1 className="hidden">Map</h1>
      <Answer query={query} what="the map" rows={10}>
        {(answer) =>
          answer.nodes.length ? <Whole answer={answer} q={q} sel={sel} group={group} change={change} /> : <NothingHere what="functions, services or queues" />
        }
      </Answer>
    </div>
  );
}

interface Shown {
  answer: MapAnswer;
  q: string;
  sel?: string;
  group: string;
  change: (next: { q?: string; sel?: string; tab?: string }) => void;
}

function Whole({ answer, q, sel, group, change }: Shown) {
  const [folding, setFolding] = useState(false);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const text = useDeferredValue(q);
  const { model, found } = useMemo(() => {
    const { nodes, edges, found } = filtered(answer, text);
    return { model: fold(nodes, edges, folding, open), found };
  }, [answer, text, folding, open]);
  const tooMany = answer.nodes.length > MOST_NODES;
  const unfold = useCallback((name: string) => setOpen((before) => new Set([...before, name])), []);
  const choose = (id: string) => {
    const node = answer.nodes.find((one) => one.id === id);
    // What is folded away is shown first.
    if (node && !model.byId.has(id)) unfold(groupOf(node, answer.nodes.some((one) => one.group)));
    change({ sel: id });
  };
  return (
    <>
      <div className="filters map-filters">
        <label>
          Only with
          <input
            type="search"
            value={q}
            placeholder="name, kind or application"
            onChange={(event) => change({ q: event.target.value || undefined })}
            onKeyDown={(event) => event.key === "Enter" && found.size && change({ sel: [...found][0] })}
          />
        </label>
        <label>
          Application from
          <select value={group} onChange={(event) => change({ tab: event.target.value })}>
            {[...new Set([...GROUPINGS, group])].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label className="map-check">
          <input type="checkbox" checked={folding || tooMany} disabled={tooMany} onChange={(event) => setFolding(event.target.checked)} />
          Fold applications
        </label>
        {open.size > 0 && (
          <button type="button" className="link" onClick={() => setOpen(new Set())}>
            Fold all again
          </button>
        )}
        <span className="dim" role="status">
          {plural(model.nodes.length, "node")}, {plural(model.edges.length, "edge")}
          {tooMany && model.folded.length ? `; ${count(answer.nodes.length)} in all, so applications are folded` : ""}
          {answer.left_out ? `; the ${count(answer.left_out)} quietest are left out` : ""}
        </span>
      </div>
      <div className="map-and-panel">
        {model.nodes.length ? (
          <Drawing model={model} found={found} sel={sel} select={(id) => change({ sel: id ?? undefined })} unfold={unfold} />
        ) : (
          <Empty title="Nothing on the map has that name">
            <button type="button" className="link" onClick={() => change({ q: undefined })}>
              Show all of it
            </button>
          </Empty>
        )}
        <Panel model={model} answer={answer} sel={sel} select={choose} unfold={unfold} />
      </div>
    </>
  );
}

/** Lay out in a worker; the newest question counts. */
function usePlaced(model: MapModel): { model: MapModel; placed: PlacedMap } | null {
  const [done, setDone] = useState<{ model: MapModel; placed: PlacedMap } | null>(null);
  const worker = useRef<Worker | null>(null);
  const asked = useRef<{ turn: number; model: MapModel } | null>(null);
  useEffect(() => {
    const made = new Worker(new URL("../views/mapLayout.worker.ts", import.meta.url), { type: "module" });
    made.onmessage = (event: MessageEvent<{ turn: number; placed: PlacedMap }>) => {
      if (event.data.turn === asked.current?.turn) setDone({ model: asked.current.model, placed: event.data.placed });
    };
    worker.current = made;
    return () => made.terminate();
  }, []);
  useEffect(() => {
    const turn = (asked.current?.turn ?? 0) + 1;
    asked.current = { turn, model };
    const nodes = model.nodes.map(({ id, group }) => ({ id, group }));
    const edges = model.edges.map(({ from, to, count: n }) => ({ from, to, weight: 1 + Math.round(Math.log10(n + 1)) }));
    worker.current?.postMessage({ turn, map: { nodes, edges } });
  }, [model]);
  return done;
}

function Drawing({ model, found, sel, select, unfold }: { model: MapModel; found: ReadonlySet<string>; sel?: string; select: (id: string | null) => void; unfold: (group: string) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<ServiceMapView | null>(null);
  const done = usePlaced(model);
  const navigate = useNavigate();
  const latest = useRef<{ select: typeof select; open: (id: string) => void }>({ select, open: () => undefined });
  latest.current = {
    select,
    open: (id) => {
      const node = model.byId.get(id);
      if (node?.kind === "group") unfold(node.name);
      else if (node) {
        const to = pageOf(node);
        if (to) void navigate(to);
      }
    },
  };
  useEffect(() => {
    const made = new ServiceMapView(host.current!, { select: (id) => latest.current.select(id), open: (id) => latest.current.open(id) });
    view.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => {
    if (done) view.current?.show(done.model, done.placed, found);
    // What was found belongs to the model that it was found in.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [done]);
  useEffect(() => view.current?.select(sel ?? null), [sel, done]);
  return (
    <div className="map-box-outer">
      {!done && <Loading what="the layout" rows={6} />}
      <div className="view" ref={host} />
      <div className="map-buttons">
        <button type="button" aria-label="Zoom in" title="Zoom in (+)" onClick={() => view.current?.zoomBy(1.3)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" title="Zoom out (-)" onClick={() => view.current?.zoomBy(1 / 1.3)}>
          −
        </button>
        <button type="button" aria-label="Show all" title="Show all (0)" onClick={() => view.current?.fit()}>
          ⤢
        </button>
      </div>
    </div>
  );
}

/** Where a node leads to; null where there is nothing more to see. */
function pageOf(node: DrawnNode) {
  if (node.kind === "function") return { to: "/function/$name", params: { name: node.name } } as const;
  if (node.source) return { to: "/resource/$name", params: { name: node.name }, search: { kind: node.source } } as const;
  if (node.id.startsWith("service/")) return { to: "/trails", search: { service: node.name } } as const;
  return null;
}

function Panel({ model, answer, sel, select, unfold }: { model: MapModel; answer: MapAnswer; sel?: string; select: (id: string) => void; unfold: (group: string) => void }) {
  const node = sel ? model.byId.get(sel) : undefined;
  return (
    <aside className="map-panel" aria-label="About the map">
      {node ? <Chosen node={node} model={model} select={select} unfold={unfold} /> : <StandingOut answer={answer} select={select} />}
    </aside>
  );
}

function Chosen({ node, model, select, unfold }: { node: DrawnNode; model: MapModel; select: (id: string) => void; unfold: (group: string) => void }) {
  const to = pageOf(node);
  const facts: [string, string][] = [
    ["in all", count(node.count)],
    ["failed", percent(node.error_count / Math.max(node.count, 1))],
    ["p95", duration(node.p95_ms)],
  ];
  if (node.cold_start_share !== null) facts.push(["cold starts", percent(node.cold_start_share)]);
  if (node.wait_p95_ms !== null) facts.push(["waited p50", duration(node.wait_p50_ms)], ["waited p95", duration(node.wait_p95_ms)]);
  if (node.group && node.kind !== "group") facts.push(["application", node.group]);
  return (
    <>
      <h2>{node.name}</h2>
      <p className="dim">
        {node.kind === "group" ? plural(node.members, "node") : node.kind}
        {to && (
          <>
            {" "}
            · <Link {...to}>{node.id.startsWith("service/") && node.kind !== "function" ? "its trails" : "open"}</Link>
          </>
        )}
        {carriesMessages(node.source) && (
          <>
            {" "}
            ·{" "}
            <Link to="/event-sources/$kind/$name" params={{ kind: node.source, name: node.name }}>
              its messages
            </Link>
          </>
        )}
        {node.kind === "group" && (
          <button type="button" className="link" onClick={() => unfold(node.name)}>
            unfold
          </button>
        )}
      </p>
      <dl className="map-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Beside title="From" edges={model.edges.filter((edge) => edge.to === node.id)} of="from" model={model} select={select} />
      <Beside title="To" edges={model.edges.filter((edge) => edge.from === node.id)} of="to" model={model} select={select} />
    </>
  );
}

function Beside({ title, edges, of, model, select }: { title: string; edges: MapEdge[]; of: "from" | "to"; model: MapModel; select: (id: string) => void }) {
  if (!edges.length) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul>
        {[...edges].sort((a, b) => b.count - a.count).slice(0, 40).map((edge) => (
          <li key={edge[of]}>
            <button type="button" className="link" onClick={() => select(edge[of])}>
              {model.byId.get(edge[of])?.name ?? edge[of]}
            </button>
            <small>{edgeWords(edge).join("; ")}</small>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Before anything is chosen: where it fails, and where it waits longest. */
function StandingOut({ answer, select }: { answer: MapAnswer; select: (id: string) => void }) {
  const names = new Map(answer.nodes.map((node) => [node.id, node.name]));
  const failing = answer.nodes.filter(troubled).sort((a, b) => b.error_count / b.count - a.error_count / a.count);
  const waiting = answer.edges.filter((edge) => (edge.wait_p95_ms ?? 0) >= 1).sort((a, b) => b.wait_p95_ms! - a.wait_p95_ms!);
  return (
    <>
      <h2>Failing</h2>
      {failing.length ? (
        <ul>
          {failing.slice(0, 8).map((node) => (
            <li key={node.id}>
              <button type="button" className="link" onClick={() => select(node.id)}>
                {node.name}
              </button>
              <small>
                {percent(node.error_count / Math.max(node.count, 1))} of {count(node.count)}
              </small>
            </li>
          ))}
        </ul>
      ) : (
        <p className="dim">Nothing fails.</p>
      )}
      <h2>Waiting longest</h2>
      {waiting.length ? (
        <ul>
          {waiting.slice(0, 8).map((edge) => (
            <li key={`${edge.from} ${edge.to}`}>
              <button type="button" className="link" onClick={() => select(edge.from)}>
                {names.get(edge.from)}
              </button>{" "}
              to {names.get(edge.to)}
              <small>
                p50 {duration(edge.wait_p50_ms)}, p95 {duration(edge.wait_p95_ms)}
              </small>
            </li>
          ))}
        </ul>
      ) : (
        <p className="dim">No waiting was seen: it is known where a message's id shows at its sender and at its taker.</p>
      )}
      <p className="dim map-legend">Lines are as wide as much goes over them, dashed where times alone told, red where calls fail. Arrow keys walk, Enter opens, + − 0 zoom.</p>
    </>
  );
}
