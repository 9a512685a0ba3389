import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { workflowsApi, type ReadText } from "../workflowsApi";
import { Failed } from "./Answer";

const ASKS_AFTER_MS = 350;

/** A workflow as YAML, read while it is typed, with what is wrong and in which line beside it. */
export function WorkflowEditor({ text: first, kept, close }: { text: string; kept: (name: string) => void; close: () => void }) {
  const [text, setText] = useState(first);
  const settled = useSettled(text);
  const client = useQueryClient();
  const reading = useQuery({ queryKey: ["workflow-text", settled], queryFn: () => workflowsApi.read(settled), staleTime: Infinity });
  const keeping = useMutation({
    mutationFn: (read: ReadText) => workflowsApi.keep(read.name!, read.spec),
    onSuccess: (_, read) => {
      void client.invalidateQueries({ queryKey: ["workflows"] });
      void client.invalidateQueries({ queryKey: ["workflow", read.name] });
      void client.invalidateQueries({ queryKey: ["workflow-proposals"] });
      kept(read.name!);
    },
  });
  const read = settled === text ? reading.data : undefined;
  const ready = read !== undefined && read.errors.length === 0;
  return (
    <form
      className="workflow-editor"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) keeping.mutate(read);
      }}
    >
      <div className="workflow-text">
        <textarea aria-label="The workflow as YAML" aria-invalid={Boolean(read?.errors.length)} aria-describedby="workflow-errors" spellCheck={false} rows={Math.min(32, Math.max(14, text.split("\n").length + 1))} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <Errors read={read} />
      </div>
      {keeping.isError && <Failed error={keeping.error} retry={() => read && keeping.mutate(read)} what="that kept" brief />}
      <div className="trail-tools">
        <Button size="xs" type="submit" disabled={!ready} loading={keeping.isPending}>
          Keep
        </Button>
        <Button size="xs" variant="default" onClick={close}>
          Cancel
        </Button>
        <span className="dim">Trails of the last day are judged by it at once.</span>
      </div>
    </form>
  );
}

function Errors({ read }: { read?: ReadText }) {
  return (
    <ul id="workflow-errors" className="plain" role="status">
      {read?.errors.map((error) => (
        <li key={error.line + error.message} className="bad">
          <b>line {error.line}</b> {error.message}
        </li>
      ))}
      {read && read.errors.length === 0 && <li className="ok">It can be used as {read.name}.</li>}
    </ul>
  );
}

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), ASKS_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
