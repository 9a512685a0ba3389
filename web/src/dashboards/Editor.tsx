import { Button, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useBlocker, useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "../api";
import { Empty } from "../parts/Answer";
import { Dialog } from "../parts/Dialog";
import { PRESETS } from "../range";
import type { Search } from "../search";
import { add, change, cleaned, faultOf, move, near, remove, same, WIDTHS, type Board, type Fault, type Panel, type PanelKind, type Place } from "./board";
import { BoardEditor } from "./BoardEditor";
import { dashboardsApi, type DashboardAnswer } from "./dashboardsApi";
import { useSteadyRange } from "./hooks";
import { KINDS } from "./kinds";
import { PanelForm } from "./PanelForm";
import { SaveAs } from "./SaveAs";

const MOST_UNDONE = 50;

/** What is still missing, before the server is asked. */
function missing(board: Board): Fault | null {
  if (!board.title.trim()) return { at: null, field: "title", said: "a title is needed" };
  for (const [r, row] of board.rows.entries())
    for (const [p, panel] of row.panels.entries())
      for (const field of KINDS[panel.kind]?.fields ?? [])
        if (field.required && (!field.only || field.only(panel)) && !String(panel[field.name] ?? "").trim()) return { at: { row: r, panel: p }, field: field.name, said: "this is needed" };
  return null;
}

/** The draft, and the steps that lead back. */
function useDraft(from: Board) {
  const [steps, setSteps] = useState<Board[]>([from]);
  const board = steps.at(-1)!;
  const change = useCallback((next: Board) => setSteps((before) => (next === before.at(-1) ? before : [...before, next].slice(-MOST_UNDONE))), []);
  const undo = steps.length > 1 ? () => setSteps((before) => before.slice(0, -1)) : null;
  return { board, change, undo };
}

/** A dashboard while it is changed: nothing is kept until it is saved. */
export default function Editor({ answer }: { answer: DashboardAnswer }) {
  const range = useSteadyRange();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { board, change: put, undo } = useDraft(answer.spec);
  const [chosen, setChosen] = useState<Place | null>(null);
  const [fault, setFault] = useState<Fault | null>(null);
  const [saving, setSaving] = useState<"" | "busy" | "as">("");
  const left = useRef(false);
  const dirty = !same(board, answer.spec);
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => dirty && !left.current && (next.pathname !== current.pathname || (next.search as Search).tab !== "edit"),
    enableBeforeUnload: () => dirty && !left.current,
    withResolver: true,
  });
  const changed = (next: Board, place?: Place | null) => {
    put(next);
    setFault(null);
    if (place !== undefined) setChosen(place);
  };
  const leave = (name: string) => {
    left.current = true;
    void client.invalidateQueries({ queryKey: ["dashboards"] });
    void client.invalidateQueries({ queryKey: ["dashboard", "one", name] });
    void navigate({ to: "/dashboards/$name", params: { name }, search: (before: Search) => ({ ...before, tab: undefined }) });
  };
  const refuse = (refused: Fault) => {
    setSaving("");
    setFault(refused);
    if (refused.at) setChosen(refused.at);
  };
  const save = () => {
    const lacking = missing(board);
    if (lacking) return refuse(lacking);
    setSaving("busy");
    dashboardsApi.save(answer.name, cleaned(board)).then(
      () => leave(answer.name),
      (error: unknown) => refuse(error instanceof ApiError ? faultOf(error.path, error.detail || error.message) : { at: null, field: "", said: String(error) }),
    );
  };
  const saveAs = () => {
    const lacking = missing(board);
    if (lacking) refuse(lacking);
    else setSaving("as");
  };
  useSaveKey(save, undo);
  const panel = chosen && board.rows[chosen.row]?.panels[chosen.panel];
  return (
    <>
      <header className="function-head dashboard-head">
        <h1>Editing {answer.title}</h1>
        <span className="dim grow" role="status">
          {dirty ? "Not saved yet." : ""} {answer.starter && "Saving keeps your own in place of the starter."}
        </span>
        <Button size="xs" variant="default" disabled={!undo} onClick={() => undo?.()} title="Undo (Ctrl Z)">
          Undo
        </Button>
        <Button size="xs" variant="default" onClick={() => void navigate({ to: ".", search: (before: Search) => ({ ...before, tab: undefined }) })}>
          {dirty ? "Cancel" : "Close"}
        </Button>
        <Button size="xs" variant="default" onClick={saveAs}>
          Save as
        </Button>
        <Button size="xs" loading={saving === "busy"} disabled={!dirty && !answer.starter} onClick={save} title="Save (Ctrl S)">
          Save
        </Button>
      </header>
      <Head board={board} fault={fault?.at ? null : fault} put={changed} />
      <div className={panel ? "edit-area with-form" : "edit-area"}>
        <div className="edit-board">
          {board.rows.length ? <BoardEditor board={board} range={range} chosen={chosen} choose={setChosen} change={changed} /> : <Empty title="There is no panel yet">Choose a kind below; it shows at once.</Empty>}
          <AddPanel
            make={(made) => {
              const added = add(board, made);
              changed(added.board, added.at);
            }}
          />
        </div>
        {panel && chosen && (
          <PanelForm
            key={`${chosen.row}.${chosen.panel}.${panel.kind}`}
            panel={panel}
            range={range}
            fault={fault?.at && fault.at.row === chosen.row && fault.at.panel === chosen.panel ? fault : null}
            put={(fields) => changed(change(board, chosen, fields))}
            step={(direction) => {
              const moved = move(board, chosen, direction);
              changed(moved.board, moved.at);
            }}
            remove={() => {
              const after = remove(board, chosen);
              changed(after, near(after, chosen));
            }}
            close={() => setChosen(null)}
          />
        )}
      </div>
      {saving === "as" && <SaveAs what="Save as" yes="Save" board={{ ...cleaned(board), title: board.title === answer.title ? `${board.title}, copy` : board.title }} done={leave} close={() => setSaving("")} />}
      {blocker.status === "blocked" && (
        <Dialog title="Leave without saving?" yes="Leave" no="Stay" act={blocker.proceed} close={blocker.reset}>
          <p>What you changed on this dashboard is lost.</p>
        </Dialog>
      )}
    </>
  );
}

/** Ctrl-S saves and Ctrl-Z undoes, outside of fields that undo by themselves. */
function useSaveKey(save: () => void, undo: (() => void) | null) {
  const latest = useRef({ save, undo });
  useEffect(() => {
    latest.current = { save, undo };
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
      const typing = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA)$/.test(event.target.tagName);
      if (event.key === "s") latest.current.save();
      else if (event.key === "z" && !typing) latest.current.undo?.();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

function Head({ board, fault, put }: { board: Board; fault: Fault | null; put: (board: Board) => void }) {
  const ranges = [{ value: "", label: "as the link says" }, ...PRESETS.map(([value, name]) => ({ value, label: `last ${name}` }))];
  if (board.range && !PRESETS.some(([value]) => value === board.range)) ranges.push({ value: board.range, label: board.range });
  return (
    <>
      {fault && fault.field !== "title" && (
        <p className="failed brief" role="alert">
          <strong>It was not saved.</strong> {fault.said}
        </p>
      )}
      <form className="filters" aria-label="The dashboard" onSubmit={(event) => event.preventDefault()}>
        <TextInput size="xs" label="Title" className="wide" maxLength={120} value={board.title} onChange={(event) => put({ ...board, title: event.currentTarget.value })} error={fault?.field === "title" ? fault.said : undefined} />
        <Textarea size="xs" label="What it shows" rows={1} className="wider" maxLength={1000} value={board.description ?? ""} onChange={(event) => put({ ...board, description: event.currentTarget.value })} />
        <NativeSelect size="xs" label="Opens with" value={board.range ?? ""} onChange={(event) => put({ ...board, range: event.currentTarget.value })} data={ranges} />
      </form>
    </>
  );
}

function AddPanel({ make }: { make: (panel: Panel) => void }) {
  const kinds = Object.entries(KINDS) as [PanelKind, (typeof KINDS)[PanelKind]][];
  return (
    <section className="add-panel" aria-label="Add a panel">
      <h2>Add a panel</h2>
      <div>
        {kinds.map(([kind, { name, says, made }]) => (
          <button key={kind} type="button" title={says} onClick={() => make({ kind, width: WIDTHS[kind], ...made })}>
            <strong>{name}</strong>
            <small>{says}</small>
          </button>
        ))}
      </div>
    </section>
  );
}
