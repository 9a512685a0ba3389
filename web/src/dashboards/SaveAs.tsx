import { TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "../api";
import { Dialog } from "../parts/Dialog";
import { NAME, nameFor, type Board } from "./board";
import { dashboardsApi } from "./dashboardsApi";

interface Saving {
  what: string;
  yes: string;
  board: Board;
  /** The name proposed, where there is one already. */
  name?: string;
  source?: string;
  done: (name: string) => void;
  close: () => void;
}

/** A title and a name for a dashboard that is kept for the first time: a new one, a copy, or out of a file. */
export function SaveAs({ what, yes, board, name: proposed, source, done, close }: Saving) {
  const list = useQuery({ queryKey: ["dashboards"], queryFn: ({ signal }) => dashboardsApi.list(signal) });
  const taken = (list.data?.dashboards ?? []).map((one) => one.name);
  const [title, setTitle] = useState(board.title);
  const [typed, setTyped] = useState<string | null>(null);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const name = typed ?? (proposed && title === board.title && !taken.includes(proposed) ? proposed : nameFor(title, taken));
  const bad = !NAME.test(name) ? "lower-case letters, digits and hyphens, at most 63" : taken.includes(name) ? "there is a dashboard of that name already" : "";
  const act = () => {
    if (bad || !title.trim() || !list.data) return;
    setBusy(true);
    dashboardsApi.save(name, { ...board, title: title.trim() }, source).then(
      () => done(name),
      (error: unknown) => {
        setBusy(false);
        setWrong(error instanceof ApiError ? `${error.detail || error.message}${error.path && error.path !== "$" ? ` (at ${error.path})` : ""}` : String(error));
      },
    );
  };
  return (
    <Dialog title={what} yes={yes} busy={busy} act={act} close={close}>
      <TextInput size="xs" label="Title" autoFocus required maxLength={120} value={title} onChange={(event) => setTitle(event.currentTarget.value)} error={title.trim() ? undefined : "a title is needed"} />
      <TextInput size="xs" label="Name" description="in links and file names" value={name} onChange={(event) => setTyped(event.currentTarget.value)} error={bad || undefined} />
      {wrong && (
        <p className="bad" role="alert">
          {wrong}
        </p>
      )}
    </Dialog>
  );
}
