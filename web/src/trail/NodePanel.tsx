import { ActionIcon } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { api, type LogSignal, type NodeAnswer, type NodeFields, type SpanSignal } from "../api";
import { clock, duration, full, plainName, text, words } from "../format";
import { Answer } from "../parts/Answer";
import { Attributes } from "../parts/Attributes";
import { LogLines } from "../parts/LogLines";
import { Id, Status } from "../parts/small";
import { kindOfKeys } from "../screens/resourceWords";
import { certain, clockWords, evidence, title, waitWords, type TrailEdge, type TrailModel } from "../views/model";

/** Everything we know of the selected node, beside the picture. */
export function NodePanel({ model, row, select, close }: { model: TrailModel; row: number; select: (row: number) => void; close: () => void }) {
  const id = model.nodeId[row];
  const query = useQuery({ queryKey: ["node", id, model.id], queryFn: ({ signal }) => api.node(id, model.id, signal), staleTime: 10_000 });
  return (
    <aside className="panel" aria-label="Selected node">
      <header>
        <h2>{title(model, row)}</h2>
        <ActionIcon variant="subtle" color="gray" size={24} onClick={close} aria-label="Close the panel (Esc)" title="Close (Esc)">
          ×
        </ActionIcon>
        <div className="facts">
          <span>{model.kind[row]}</span>
          <Status status={model.status_[row]} />
          {model.kind[row] === "message" && (
            <Link to="/resource/$name" params={{ name: plainName(model.service[row]) }} search={{ kind: messageKind(model, row) ?? kindOfKeys(query.data?.node.keys ?? {}) }}>
              how it is doing
            </Link>
          )}
          {query.data?.resource && (
            <Link to="/resource/$name" params={{ name: query.data.resource.name }} search={{ kind: query.data.resource.kind }}>
              {query.data.resource.name}
            </Link>
          )}
          {model.kind[row] === "invocation" && (
            <Link to="/function/$name" params={{ name: model.service[row] }}>
              the function
            </Link>
          )}
        </div>
      </header>
      <Causes model={model} row={row} select={select} />
      <Answer query={query} what="the node" rows={8}>
        {(answer) => <Whole answer={answer} model={model} />}
      </Answer>
    </aside>
  );
}

/** What a message was on, as its sender's span says. */
function messageKind(model: TrailModel, row: number): string | undefined {
  for (const i of model.causesOf.get(row) ?? []) {
    const resource = model.resources.get(model.edges[i].from);
    if (resource) return resource.kind;
  }
  return undefined;
}

const MOST_EDGES = 6;

/** Up to what caused the node and down to what followed from it, each with how it is known. */
function Causes({ model, row, select }: { model: TrailModel; row: number; select: (row: number) => void }) {
  const into = (model.causesOf.get(row) ?? []).map((i) => model.edges[i]).sort((a, b) => model.start[a.from] - model.start[b.from]);
  const out = (model.effectsOf.get(row) ?? []).map((i) => model.edges[i]).sort((a, b) => model.start[a.to] - model.start[b.to]);
  const [all, setAll] = useState(false);
  if (!into.length && !out.length) return null;
  const shown = (edges: TrailEdge[]) => (all ? edges.slice(0, 200) : edges.slice(0, MOST_EDGES));
  const hidden = Math.max(into.length - MOST_EDGES, 0) + Math.max(out.length - MOST_EDGES, 0);
  return (
    <Part name="Cause and effect">
      <ul className="causes">
        {shown(into).map((edge, i) => (
          <Step key={`in${i}`} edge={edge} way="up" model={model} select={select} />
        ))}
        {shown(out).map((edge, i) => (
          <Step key={`out${i}`} edge={edge} way="down" model={model} select={select} />
        ))}
      </ul>
      {hidden > 0 && (
        <button type="button" className="link dim" onClick={() => setAll(!all)}>
          {all ? "Fewer" : `${hidden} more`}
        </button>
      )}
    </Part>
  );
}

const PASSIVE: Record<string, string> = {
  calls: "called by",
  sends: "sent by",
  delivers: "delivered by",
  redelivers: "delivered again by",
  retries: "tried again after",
  triggers: "triggered by",
};

function Step({ edge, way, model, select }: { edge: TrailEdge; way: "up" | "down"; model: TrailModel; select: (row: number) => void }) {
  const other = way === "up" ? edge.from : edge.to;
  return (
    <li className={certain(edge) ? "" : "inferred"}>
      <span className="dim">{way === "up" ? `↑ ${PASSIVE[edge.kind] ?? `${edge.kind} by`}` : `↓ ${edge.kind}`}</span>{" "}
      <button type="button" className="link" title={way === "up" ? "To the cause ([)" : "To the effect (])"} onClick={() => select(other)}>
        {title(model, other)}
      </button>
      <small>{evidence(edge)}</small>
    </li>
  );
}

function Part({ name, children }: { name: string; children: ReactNode }) {
  return (
    <section>
      <h3>{name}</h3>
      {children}
    </section>
  );
}

function Whole({ answer, model }: { answer: NodeAnswer; model: TrailModel }) {
  const node = answer.node;
  return (
    <>
      {node.failure && (
        <Part name="Error">
          <p className="error-line">
            <b>{node.failure.type}</b> {node.failure.message}
          </p>
          {node.failure.stacktrace && <pre tabIndex={0}>{node.failure.stacktrace}</pre>}
        </Part>
      )}
      <Part name="Facts">
        <Facts node={node} model={model} />
      </Part>
      <Part name="Keys">
        <dl className="pairs">
          {Object.entries(node.keys).filter(([, value]) => value).map(([kind, value]) => (
            <div key={kind}>
              <dt>{words(kind)}</dt>
              <dd><Id value={value} /></dd>
            </div>
          ))}
        </dl>
      </Part>
      {answer.logs.length > 0 && (
        <Part name={`Logs, ${answer.logs.length}`}>
          <LogLines logs={answer.logs} />
        </Part>
      )}
      {answer.spans.map((span, i) => (
        <SpanPart key={`${span.span_id}-${i}`} span={span} />
      ))}
      <Others answer={answer} model={model} />
      <Raw answer={answer} />
    </>
  );
}

function Facts({ node, model }: { node: NodeFields; model: TrailModel }) {
  const memory = node.memory_used_mb ? `${node.memory_used_mb}${node.memory_mb ? ` of ${node.memory_mb}` : ""} MB` : null;
  const facts: [string, ReactNode][] = [
    ["began", <span key="b" title={full(node.start)}>{clock(node.start, true)}, {duration(Date.parse(node.start) - model.startMs)} in</span>],
    ["took", node.duration_ms === null ? "still open" : duration(node.duration_ms)],
    ["waited before", node.wait_ms ? duration(node.wait_ms) : null],
    ...(node.waits ?? []).map((one): [string, ReactNode] => [`waited ${waitWords(one.kind)}`, duration(one.ms)]),
    ["clock", node.clock_offset_ms ? clockWords(node.clock_offset_ms) : null],
    ["cold start", node.cold_start ? (node.init_ms ? `init ${duration(node.init_ms)}` : "yes") : null],
    ["attempt", node.attempt > 1 ? node.attempt : null],
    ["billed", node.billed_ms ? duration(node.billed_ms) : null],
    ["memory", memory],
    ["signals", node.signals],
  ];
  return (
    <dl className="pairs">
      {facts.filter(([, value]) => value !== null && value !== undefined).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function SpanPart({ span }: { span: SpanSignal }) {
  return (
    <Part name={`Span ${span.name}`}>
      <Attributes value={span.attributes} />
      {(span.events ?? []).map((event, i) => (
        <div key={i} className="event">
          <h4>
            Event {event.name} <span className="dim">{event.time ? clock(event.time, true) : ""}</span>
          </h4>
          <Attributes value={event.attributes} />
        </div>
      ))}
      {(span.links ?? []).length > 0 && (
        <div className="event">
          <h4>Links</h4>
          {span.links!.map((link, i) => (
            <p key={i}>
              <Link to="/trail/$id" params={{ id: link.trace_id }} className="mono">
                {link.trace_id}
              </Link>
            </p>
          ))}
        </div>
      )}
      <details>
        <summary>Resource</summary>
        <Attributes value={span.resource?.attributes} />
      </details>
    </Part>
  );
}

/** A batch makes one invocation part of several trails. */
function Others({ answer, model }: { answer: NodeAnswer; model: TrailModel }) {
  const others = (answer.trail_ids ?? []).filter((id) => id !== model.id);
  if (!others.length) return null;
  const batch = answer.node.kind === "invocation";
  return (
    <Part name={batch ? `Other trails in this batch, ${others.length}` : `Also part of, ${others.length}`}>
      {others.slice(0, 20).map((id) => (
        <p key={id}>
          <Link to="/trail/$id" params={{ id }} search={{ sel: answer.node.node_id }} className="mono">
            {id}
          </Link>
        </p>
      ))}
    </Part>
  );
}

function Raw({ answer }: { answer: { spans: SpanSignal[]; logs: LogSignal[] } }) {
  return (
    <Part name="Raw signals">
      {[...answer.spans, ...answer.logs].slice(0, 50).map((signal, i) => (
        <details key={i}>
          <summary>{"span_id" in signal && "name" in signal ? `span ${signal.name}` : `log ${text((signal as LogSignal).body).slice(0, 60)}`}</summary>
          <pre tabIndex={0}>{JSON.stringify(signal, null, 2)}</pre>
        </details>
      ))}
    </Part>
  );
}
