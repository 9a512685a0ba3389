import { Button, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useBlocker, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { ApiError } from "../api";
import { NAME, nameFor } from "../dashboards/board";
import { moment, plural } from "../format";
import { definitionsApi, type Checked, type Definition } from "../forms/definitionsApi";
import { byField, cleaned, fieldOf, same, type Said, type Spec } from "../forms/draft";
import { FieldOf, ORDER } from "../forms/FieldOf";
import { FORMS, isKind, missing, shownPaths, type Kind, type Section } from "../forms/fields";
import "../forms/forms.css";
import { Answer, Empty } from "../parts/Answer";
import { Dialog } from "../parts/Dialog";
import { CopyBlock } from "../parts/small";
import { cameTo } from "./objectiveWords";

const ASKS_AFTER_MS = 400;
const MOST_TOLD = 5;

/** An alert, an objective, a route or a silence, made or changed without writing a file. */
export default function DefineScreen() {
  const { kind, name } = useParams({ strict: false }) as { kind: string; name?: string };
  if (!isKind(kind)) return <Empty title={`There is no form for ${kind}`}>Alerts, objectives, routes and silences have one.</Empty>;
  return <div className="screen">{name ? <Known key={`${kind} ${name}`} kind={kind} name={name} /> : <Editor key={kind} kind={kind} kept={null} first={FORMS[kind].fresh()} />}</div>;
}

function Known({ kind, name }: { kind: Kind; name: string }) {
  const query = useQuery({ queryKey: ["definition", kind, name], queryFn: ({ signal }) => definitionsApi.one(kind, name, signal), staleTime: Infinity, gcTime: 0 });
  return (
    <Answer query={query} what={`the ${FORMS[kind].what}`} rows={8}>
      {(kept) => <Editor kind={kind} kept={kept} first={kept.spec} />}
    </Answer>
  );
}

/** Where one goes from here. */
const backTo = (kind: Kind, name?: string) =>
  kind === "objective" ? (name ? ({ to: "/objectives/$name", params: { name } } as const) : ({ to: "/objectives" } as const)) : kind === "alert" && name ? ({ to: "/alerts/$name", params: { name } } as const) : ({ to: "/alerts" } as const);

function Editor({ kind, kept, first }: { kind: Kind; kept: Definition | null; first: Spec }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const form = FORMS[kind];
  const [start] = useState(first);
  const [spec, setSpec] = useState(start);
  const [typed, setTyped] = useState<string | null>(null);
  const [refused, setRefused] = useState<Said | null>(null);
  const [asked, setAsked] = useState(false);
  const [tried, setTried] = useState(false);
  const left = useRef(false);
  const listed = useQuery({ queryKey: ["definitions", kind], queryFn: ({ signal }) => definitionsApi.listed(kind, signal), enabled: !kept });
  const names = useQuery({ queryKey: ["definition-names"], queryFn: ({ signal }) => definitionsApi.names(signal), staleTime: 30_000 }).data ?? {};
  const taken = (listed.data?.definitions ?? []).map((one) => one.name);
  const name = kept?.name ?? typed ?? nameFor(String(spec.title ?? "") || form.what, taken);
  const badName = kept ? "" : !NAME.test(name) ? "lower-case letters, digits and hyphens, at most 63" : taken.includes(name) ? `there is one of that name already` : "";
  const lacking = missing(kind, spec);
  const checked = useChecked(kind, NAME.test(name) ? name : form.what, spec);
  const shown = shownPaths(kind, spec);
  // What was wrong before the last change is not told of the whole.
  const found = checked?.error && (tried || !lacking.length) && !(checked.stale && fieldOf(checked.error, shown) === "") ? [checked.error] : [];
  const faults = [...(refused ? [refused] : []), ...found];
  const needed = tried ? lacking.map((path) => ({ path: `$.${path}`, message: "this is needed" })) : [];
  const wrong = byField(needed.length ? needed : faults, shown);
  const warned = byField(checked?.warnings ?? [], shown);
  const ready = !lacking.length && checked !== undefined && !checked.stale && checked.error === null;
  const dirty = !same(spec, start);
  const put = (next: Spec) => {
    setSpec(next);
    setRefused(null);
  };
  const leave = (to: ReturnType<typeof backTo>) => {
    left.current = true;
    for (const key of ["alerts", "alert", "objectives", "objective-proposals", "silences", "routes", "definitions", "definition-names", "definition-check"]) void client.invalidateQueries({ queryKey: [key] });
    void navigate(to);
  };
  const saving = useMutation({
    mutationFn: () => definitionsApi.save(kind, name, cleaned(spec)),
    onSuccess: () => leave(backTo(kind, name)),
    onError: (error) => setRefused(error instanceof ApiError ? { path: error.path ?? "$", message: error.detail || error.message } : { path: "$", message: String(error) }),
  });
  const removing = useMutation({ mutationFn: () => definitionsApi.remove(kind, name), onSuccess: () => leave(backTo(kind)) });
  const save = () => {
    setTried(true);
    if (!lacking.length && !badName) saving.mutate();
  };
  const blocker = useBlocker({ shouldBlockFn: ({ current, next }) => dirty && !left.current && next.pathname !== current.pathname, enableBeforeUnload: () => dirty && !left.current, withResolver: true });
  return (
    <>
      <form
        className="define"
        aria-label={kept ? `Change ${name}` : `New ${form.what}`}
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <header className="function-head">
          <h1>{kept ? `Change ${String(start.title || name)}` : `New ${form.what}`}</h1>
        </header>
        {kept && <Source kept={kept} />}
        {wrong[""] && (
          <p className="failed brief" role="alert">
            <strong>It cannot be kept.</strong> {wrong[""].join("; ")}
          </p>
        )}
        {form.sections.map((section) => (
          <Fields key={section.title} section={section} spec={spec} paths={[...Object.keys(wrong), ...Object.keys(warned)]}>
            {(field, at) => <FieldOf key={at} field={field} spec={spec} names={names} put={put} wrong={wrong} warned={warned} />}
          </Fields>
        ))}
        {!kept && <TextInput size="xs" className="wide" inputWrapperOrder={ORDER} label="Short name" description="in links, files and messages" value={name} onChange={(event) => setTyped(event.currentTarget.value)} error={badName || undefined} />}
        {warned[""] && <p className="warn">{warned[""].join("; ")}</p>}
        {kind === "alert" && <Preview spec={spec} ready={ready} />}
        {kind === "objective" && <ObjectivePreview spec={spec} ready={ready} />}
        <div className="trail-tools">
          <Button size="xs" type="submit" loading={saving.isPending}>
            Save
          </Button>
          <Button size="xs" variant="default" onClick={() => void navigate(backTo(kind, kept?.name))}>
            {dirty ? "Cancel" : "Close"}
          </Button>
          {kept?.changed && (
            <Button size="xs" variant="default" onClick={() => setAsked(true)}>
              Remove
            </Button>
          )}
          {kept?.changed && (
            <a href={definitionsApi.file(kind, name)} download>
              Export
            </a>
          )}
          <span className="dim" role="status">
            {dirty ? "Not saved yet." : ""}
          </span>
        </div>
        {checked?.text && (
          <details>
            <summary>As YAML, for coldtrail apply</summary>
            <CopyBlock label="the definition" text={checked.text} />
          </details>
        )}
      </form>
      {asked && (
        <Dialog title={`Remove ${name}?`} yes="Remove" busy={removing.isPending} act={() => removing.mutate()} close={() => setAsked(false)}>
          <p>{kind === "alert" ? "If it fires, whoever was told is told that it is over." : kind === "route" ? "Alerts that name it tell nobody through it any more." : "What it did so far is kept."}</p>
          {removing.isError && <p className="bad" role="alert">{String(removing.error.message)}</p>}
        </Dialog>
      )}
      {blocker.status === "blocked" && (
        <Dialog title="Leave without saving?" yes="Leave" no="Stay" act={blocker.proceed} close={blocker.reset}>
          <p>What you wrote here is lost.</p>
        </Dialog>
      )}
    </>
  );
}

/** The fields of a section that are asked for now; one that is folded opens where something in it is wrong. */
function Fields({ section, spec, paths, children }: { section: Section; spec: Spec; paths: string[]; children: (field: Section["fields"][number], at: number) => React.ReactNode }) {
  const shown = section.fields.map((field, at) => [field, at] as const).filter(([field]) => !field.only || field.only(spec));
  const filled = shown.some(([field]) => paths.some((path) => path === field.path || path.startsWith(`${field.path}.`)));
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (filled) setOpen(true);
  }, [filled]);
  const inner = <div className="define-fields">{shown.map(([field, at]) => children(field, at))}</div>;
  if (!section.more)
    return (
      <fieldset className="define-section">
        <legend>{section.title}</legend>
        {inner}
      </fieldset>
    );
  return (
    <details className="define-section" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{section.title}</summary>
      {inner}
    </details>
  );
}

function Source({ kept }: { kept: Definition }) {
  if (!kept.changed) return <p className="dim">It is there without set-up. What you save takes its place; removed, it is as it was.</p>;
  if (!kept.source || kept.source === "page" || kept.source === "api") return null;
  return (
    <p className="from-file" role="note">
      It comes from <code>{kept.source}</code>{kept.by && ` (${kept.by})`}: the next <code>coldtrail apply</code> of that file changes back what you save here. The file is the better place; its text is below.
    </p>
  );
}

/** What the server says of a draft, once nobody types any more. */
function useChecked(kind: Kind, name: string, spec: Spec): (Checked & { stale: boolean }) | undefined {
  const text = JSON.stringify(cleaned(spec));
  const [settled, setSettled] = useState({ name, text });
  useEffect(() => {
    const timer = setTimeout(() => setSettled({ name, text }), ASKS_AFTER_MS);
    return () => clearTimeout(timer);
  }, [name, text]);
  const query = useQuery({ queryKey: ["definition-check", kind, settled.name, settled.text], queryFn: () => definitionsApi.check(kind, settled.name, JSON.parse(settled.text) as Spec), staleTime: 10_000, placeholderData: (before) => before });
  return query.data && { ...query.data, stale: settled.text !== text || query.isPlaceholderData };
}

/** What it would have done by what was measured in the last days. */
function Preview({ spec, ready }: { spec: Spec; ready: boolean }) {
  const rehearsing = useMutation({ mutationFn: (one: Spec) => definitionsApi.rehearse(one, "now-7d") });
  if ((spec.check as Spec | undefined)?.type === "burn_rate") return <p className="dim">When an objective burned is shown on its own page.</p>;
  const stale = rehearsing.variables !== undefined && !same(rehearsing.variables, spec);
  const fired = rehearsing.data?.events.filter((event) => event.what === "fired") ?? [];
  return (
    <div className="preview-of" aria-label="Preview" role="group">
      <Button size="xs" variant="default" disabled={!ready} loading={rehearsing.isPending} onClick={() => rehearsing.mutate(cleaned(spec))}>
        Would it have fired?
      </Button>
      <span role="status" className={stale ? "dim" : undefined}>
        {rehearsing.isError && <span className="bad">{rehearsing.error instanceof ApiError ? rehearsing.error.detail || rehearsing.error.message : String(rehearsing.error)}</span>}
        {rehearsing.data && (fired.length ? `It would have fired ${plural(rehearsing.data.fired_count, "time")} in the last 7 days` : "It would not have fired in the last 7 days")}
        {rehearsing.data && (stale ? ", before your last change." : ".")}
      </span>
      {fired.length > 0 && (
        <ul className="plain">
          {fired.slice(-MOST_TOLD).map((event) => (
            <li key={event.time + event.group}>
              <time dateTime={event.time} className="dim">{moment(event.time)}</time> {event.why}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What it would have come to by what was measured in the last days. */
function ObjectivePreview({ spec, ready }: { spec: Spec; ready: boolean }) {
  const rehearsing = useMutation({ mutationFn: (one: Spec) => definitionsApi.rehearseObjective(one, "now-7d") });
  const stale = rehearsing.variables !== undefined && !same(rehearsing.variables, cleaned(spec));
  return (
    <div className="preview-of" aria-label="Preview" role="group">
      <Button size="xs" variant="default" disabled={!ready} loading={rehearsing.isPending} onClick={() => rehearsing.mutate(cleaned(spec))}>
        What would it have come to?
      </Button>
      <span role="status" className={stale ? "dim" : undefined}>
        {rehearsing.isError && <span className="bad">{rehearsing.error instanceof ApiError ? rehearsing.error.detail || rehearsing.error.message : String(rehearsing.error)}</span>}
        {rehearsing.data && cameTo(rehearsing.data)}
        {rehearsing.data && (stale ? " That was before your last change." : "")}
      </span>
      {rehearsing.data && rehearsing.data.events.length > 0 && (
        <ul className="plain">
          {rehearsing.data.events.slice(0, MOST_TOLD).map((event) => (
            <li key={event.fired + event.factor}>
              <time dateTime={event.fired} className="dim">{moment(event.fired)}</time> {event.severity}, {event.factor} times too fast{event.cleared ? ` until ${moment(event.cleared)}` : ""}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
