import { Button, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { api, type TrailColumns } from "../api";
import { clock, duration, full, moment, oneLine, percent, text, words } from "../format";
import { investigate, useActive } from "../investigating";
import { investigationsApi, type Entry, type InvestigationAnswer } from "../investigationsApi";
import { Answer, Failed } from "../parts/Answer";
import { Dialog } from "../parts/Dialog";
import { Prepared, useAffected } from "../parts/Prepared";
import { Said } from "../parts/Said";
import { Id, useCopied } from "../parts/small";
import "./investigations.css";

const AGAIN_MS = 10_000;

/** One investigation: from its symptom over scope, trails, findings and deployments to suspects; and its record. */
export default function InvestigationScreen() {
  const { id } = useParams({ strict: false }) as { id: string };
  const query = useQuery({ queryKey: ["investigation", id], queryFn: ({ signal }) => investigationsApi.one(id, signal), refetchInterval: AGAIN_MS });
  return (
    <div className="screen">
      <Answer query={query} what="the investigation" rows={6}>
        {(answer) => <Whole answer={answer} />}
      </Answer>
    </div>
  );
}

function Whole({ answer }: { answer: InvestigationAnswer }) {
  const details = [`Began with ${answer.began.kind === "value" ? "the value" : `a${answer.began.kind === "alert" ? "n" : ""} ${answer.began.kind}`}; looked at around ${moment(answer.at)}, by ${answer.by}`];
  return (
    <>
      <Head key={answer.name} answer={answer} />
      <Said said={{ tone: answer.state === "open" ? "bad" : "", headline: answer.symptom || answer.name, details }}>
        <small>
          <BeganWith answer={answer} />
        </small>
      </Said>
      <Prepared ground={answer} />
      <Chosen answer={answer} />
      <Record answer={answer} />
    </>
  );
}

function BeganWith({ answer }: { answer: InvestigationAnswer }) {
  const { kind, id, group } = answer.began;
  if (kind === "alert")
    return (
      <Link to="/alerts/$name" params={{ name: id }} search={{ at: answer.at, group: group || undefined }}>
        The alert
      </Link>
    );
  if (kind === "finding")
    return (
      <Link to="/finding/$id" params={{ id }}>
        The finding
      </Link>
    );
  if (kind === "trail")
    return (
      <Link to="/trail/$id" params={{ id }}>
        The trail
      </Link>
    );
  return (
    <Link to="/find" search={{ q: id }}>
      {id}
    </Link>
  );
}

function useChanged(id: string) {
  const client = useQueryClient();
  return () => {
    void client.invalidateQueries({ queryKey: ["investigation", id] });
    void client.invalidateQueries({ queryKey: ["investigations"] });
  };
}

function Head({ answer }: { answer: InvestigationAnswer }) {
  const active = useActive();
  const mine = active?.id === answer.id;
  const changed = useChanged(answer.id);
  const [renaming, setRenaming] = useState(false);
  const [name, setName] = useState(answer.name);
  const [copied, copy] = useCopied();
  const changing = useMutation({
    mutationFn: (change: { name?: string; state?: "open" | "closed" }) => investigationsApi.change(answer.id, change),
    onSuccess: (after) => {
      setRenaming(false);
      if (mine) investigate(after.state === "open" ? after : null);
      changed();
    },
  });
  return (
    <>
      <header className="function-head">
        {renaming ? (
          <form
            className="ask"
            onSubmit={(event) => {
              event.preventDefault();
              if (name.trim()) changing.mutate({ name: name.trim() });
            }}
          >
            <TextInput aria-label="Name" value={name} maxLength={200} autoFocus onChange={(event) => setName(event.currentTarget.value)} />
            <Button type="submit" variant="default" loading={changing.isPending}>
              Keep
            </Button>
          </form>
        ) : (
          <h1>{answer.name}</h1>
        )}
        <span className={`status ${answer.state === "open" ? "warn" : "dim"}`}>{answer.state}</span>
        <span className="grow" />
        <Id value={answer.id} />
      </header>
      <div className="trail-tools">
        {answer.state === "open" && !mine && (
          <Button size="xs" onClick={() => investigate(answer)}>
            Go on with it
          </Button>
        )}
        <Button size="xs" variant="default" loading={changing.isPending} onClick={() => changing.mutate({ state: answer.state === "open" ? "closed" : "open" })}>
          {answer.state === "open" ? "Close" : "Open again"}
        </Button>
        {!renaming && (
          <Button size="xs" variant="default" onClick={() => setRenaming(true)}>
            Rename
          </Button>
        )}
        <Button size="xs" variant="default" onClick={() => copy(`${location.origin}/investigations/${answer.id}`)}>
          {copied ? "Copied" : "Share"}
        </Button>
        <Button size="xs" variant="default" component="a" href={investigationsApi.markdown(answer.id)} download>
          Export as Markdown
        </Button>
        <Remove answer={answer} />
        {changing.isError && <Failed error={changing.error} retry={() => changing.mutate(changing.variables)} what="that kept" brief />}
      </div>
    </>
  );
}

function Remove({ answer }: { answer: InvestigationAnswer }) {
  const navigate = useNavigate();
  const active = useActive();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const removing = useMutation({
    mutationFn: () => investigationsApi.remove(answer.id),
    onSuccess: () => {
      if (active?.id === answer.id) investigate(null);
      void client.invalidateQueries({ queryKey: ["investigations"] });
      void navigate({ to: "/investigations" });
    },
  });
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setAsking(true)}>
        Delete
      </Button>
      {asking && (
        <Dialog title="Delete this investigation?" yes="Delete" busy={removing.isPending} act={() => removing.mutate()} close={() => setAsking(false)}>
          <p>Its notes and what was looked at go with it. Export it first to keep them.</p>
        </Dialog>
      )}
      {removing.isError && <Failed error={removing.error} retry={() => removing.mutate()} what="that done" brief />}
    </>
  );
}

const MOST_SENTENCES = 12;
const MOST_LINES = 12;
const MOST_SHARES = 5;

/** One of the affected trails from near: what happened, what it waited for, what its failing steps wrote. */
function Chosen({ answer }: { answer: InvestigationAnswer }) {
  const { sel } = useSearch({ strict: false });
  const affected = useAffected(answer);
  const ids = affected.data?.trails.map((one) => one.trail_id) ?? [];
  const id = sel && ids.includes(sel) ? sel : ids[0];
  const query = useQuery({ queryKey: ["trail", id], queryFn: ({ signal }) => api.trail(id, signal), enabled: Boolean(id) });
  if (!id) return null;
  return (
    <section aria-labelledby="chosen">
      <h2 id="chosen">
        From near <small>one of the affected trails</small>
      </h2>
      <p className="chips">
        {ids.slice(0, 10).map((one) => (
          <Link key={one} to="." search={(before: object) => ({ ...before, sel: one })} replace resetScroll={false} className="chip mono" aria-current={one === id ? "true" : undefined}>
            {one.slice(0, 8)}
          </Link>
        ))}
      </p>
      <Answer query={query} what="the trail">
        {(trail) => <Near trail={trail} />}
      </Answer>
    </section>
  );
}

const WELL = new Set(["ok", "open"]);

function Near({ trail }: { trail: TrailColumns }) {
  const lines = useMemo(() => {
    const bad = new Set(trail.nodes.status.flatMap((status, row) => (WELL.has(trail.dictionary[status]) ? [] : [row])));
    const failing = trail.logs.filter((log) => bad.has(log.node));
    return (failing.length ? failing : trail.logs).slice(0, MOST_LINES);
  }, [trail]);
  const shares = [...(trail.critical_shares ?? [])].sort((a, b) => b.ms - a.ms).slice(0, MOST_SHARES);
  const to = (node: string) => ({ to: "/trail/$id", params: { id: trail.trail_id }, search: { sel: node } }) as const;
  return (
    <>
      <ul className="plain near">
        {trail.story.slice(0, MOST_SENTENCES).map((one) => (
          <li key={one.time + one.node_id + one.text}>
            <time dateTime={one.time} title={full(one.time)} className="dim">{clock(one.time, true)}</time> <Link {...to(one.node_id)}>{one.text}</Link>
          </li>
        ))}
      </ul>
      {shares.length > 0 && (
        <p className="dim">
          Its {duration(trail.duration_ms)} went to{" "}
          {shares.map((one, at) => (
            <span key={one.node_id + one.cause}>
              {at > 0 && ", "}
              <Link {...to(one.node_id)}>
                {words(one.cause)}
                {one.place && ` in ${one.place}`}
              </Link>{" "}
              {duration(one.ms)} ({percent(one.share)})
            </span>
          ))}
        </p>
      )}
      {lines.length > 0 && (
        <ul className="plain near">
          {lines.map((one, at) => (
            <li key={at}>
              <time dateTime={one.time} title={full(one.time)} className="dim">{clock(one.time, true)}</time>{" "}
              <Link {...to(trail.nodes.node_id[one.node])} className="mono">{oneLine(text(one.body)).slice(0, 300)}</Link>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Record({ answer }: { answer: InvestigationAnswer }) {
  const changed = useChanged(answer.id);
  const [note, setNote] = useState("");
  const noting = useMutation({
    mutationFn: () => investigationsApi.note(answer.id, note.trim()),
    onSuccess: () => {
      setNote("");
      changed();
    },
  });
  const removing = useMutation({ mutationFn: (entry: number) => investigationsApi.removeEntry(answer.id, entry), onSuccess: changed });
  return (
    <section aria-labelledby="record">
      <h2 id="record">Record</h2>
      {answer.entries.length === 0 && <p className="dim">Nothing yet. While an investigation is open in this browser, trails, findings, functions and resources that are looked at are kept here.</p>}
      <ol className="plain record">
        {answer.entries.map((one) => (
          <Line key={one.id} one={one} remove={() => removing.mutate(one.id)} />
        ))}
      </ol>
      <form
        className="note"
        onSubmit={(event) => {
          event.preventDefault();
          if (note.trim()) noting.mutate();
        }}
      >
        <Textarea aria-label="A note" placeholder="What you found, in your words" value={note} maxLength={5000} autosize minRows={2} maxRows={12} onChange={(event) => setNote(event.currentTarget.value)} />
        <Button size="xs" type="submit" variant="default" loading={noting.isPending} disabled={!note.trim()}>
          Add note
        </Button>
      </form>
      {[noting, removing].map((one, at) => one.isError && <Failed key={at} error={one.error} retry={() => one.reset()} what="that kept" brief />)}
    </section>
  );
}

function Line({ one, remove }: { one: Entry; remove: () => void }) {
  const [sure, setSure] = useState(false);
  useEffect(() => {
    if (!sure) return;
    const timer = setTimeout(() => setSure(false), 3000);
    return () => clearTimeout(timer);
  }, [sure]);
  return (
    <li>
      <time dateTime={one.time} title={full(one.time)} className="dim">{clock(one.time)}</time>
      <span className="dim">{one.by}</span>
      {one.kind === "look" ? <a href={one.link}>{one.text}</a> : <span className="said">{one.text} {one.link && <a href={one.link}>there</a>}</span>}
      <Button size="compact-xs" variant="subtle" color="gray" aria-label={`Remove ${one.kind === "note" ? "note" : "what was looked at"}`} onClick={() => (sure ? remove() : setSure(true))}>
        {sure ? "Sure?" : "Remove"}
      </Button>
    </li>
  );
}
