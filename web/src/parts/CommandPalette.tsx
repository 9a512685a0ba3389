import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { api } from "../api";
import { asParameters } from "../range";
import { kindName } from "../screens/resourceWords";
import { useLive } from "./live";
import { best } from "./matching";
import { useRange } from "./range";
import { useScheme } from "./theme";

interface Command {
  name: string;
  what: string;
  run: () => void;
}

const MOST = 12;
const LEAST_LETTERS = 3;

/** Ctrl-K: to any function, queue, stream, table or screen by a few letters of its name, or to an id. */
export default function CommandPalette({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const commands = useCommands(typed);
  useEffect(() => {
    const box = dialog.current!;
    box.showModal();
    return () => box.close();
  }, []);
  const run = (command: Command | undefined) => {
    if (!command) return;
    close();
    command.run();
  };
  const key = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      event.preventDefault();
      setAt(Math.min(Math.max(at + by, 0), commands.length - 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(commands[at]);
    }
  };
  return (
    <dialog ref={dialog} className="find-overlay palette" aria-label="Go to" onClose={close} onClick={(event) => event.target === dialog.current && close()}>
      <input
        autoFocus
        spellCheck={false}
        autoComplete="off"
        role="combobox"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={commands[at] ? `${list}-${at}` : undefined}
        aria-label="Go to a function, resource, screen or id"
        placeholder="Function, queue, stream, table, screen or id"
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={key}
      />
      <ul id={list} role="listbox" aria-label="Where to go" className="commands">
        {commands.map((command, i) => (
          <li key={`${command.what} ${command.name}`} id={`${list}-${i}`} role="option" aria-selected={i === at} onPointerMove={() => setAt(i)} onClick={() => run(command)}>
            <span>{command.name}</span>
            <span className="dim">{command.what}</span>
          </li>
        ))}
      </ul>
    </dialog>
  );
}

function useCommands(typed: string): Command[] {
  const navigate = useNavigate();
  const range = useRange();
  const live = useLive();
  const { dark, toggle } = useScheme();
  const services = useQuery({ queryKey: ["services"], queryFn: ({ signal }) => api.services(signal), staleTime: 30_000 });
  // The range moves on by itself; names need not.
  const [asked] = useState(() => asParameters(range));
  const resources = useQuery({ queryKey: ["resources", "names", asked.since], queryFn: ({ signal }) => api.resources(asked, signal), staleTime: 60_000 });
  const functions = useQuery({ queryKey: ["functions", "names", asked.since], queryFn: ({ signal }) => api.red("function", asked, 3600, signal), staleTime: 60_000 });
  const places = useMemo<Command[]>(() => {
    const to = (path: "/overview" | "/trails" | "/limits" | "/find" | "/connect") => () => void navigate({ to: path });
    const known = functions.data?.groups.map((one) => one.name) ?? [];
    const others = (services.data?.services ?? []).map((one) => one.name).filter((name) => !known.includes(name));
    return [
      { name: "Overview", what: "screen", run: to("/overview") },
      { name: "Trails", what: "screen", run: to("/trails") },
      { name: "Trails that failed", what: "screen", run: () => void navigate({ to: "/trails", search: { status: "error" } }) },
      { name: "Limits", what: "screen", run: to("/limits") },
      { name: "Find", what: "screen", run: to("/find") },
      { name: "Connect", what: "screen", run: to("/connect") },
      ...known.map((name) => ({ name, what: "function", run: () => void navigate({ to: "/function/$name", params: { name } }) })),
      ...others.map((name) => ({ name, what: "service", run: () => void navigate({ to: "/trails", search: { service: name } }) })),
      ...(resources.data?.resources ?? []).map((one) => ({ name: one.name, what: kindName(one.kind), run: () => void navigate({ to: "/resource/$name", params: { name: one.name }, search: { kind: one.kind } }) })),
      { name: live.on ? "Stop live mode" : "Live mode", what: "action", run: live.toggle },
      { name: dark ? "Light theme" : "Dark theme", what: "action", run: toggle },
    ];
  }, [services.data, functions.data, resources.data, navigate, live.on, live.toggle, dark, toggle]);
  const value = typed.trim();
  const found = best(places, value, MOST);
  if (value.length < LEAST_LETTERS) return found;
  return [
    ...found,
    { name: value, what: "find this id or value", run: () => void navigate({ to: "/find", search: { q: value } }) },
    { name: value, what: "everything about it", run: () => void navigate({ to: "/about/$value", params: { value } }) },
  ];
}
