import { useDebouncedValue } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { api } from "../api";
import { Answer } from "./Answer";
import { FindResults } from "./FindResults";
import { only } from "./found";

const LEAST_LETTERS = 3;

/** The one box: matches while you type, Enter jumps where there is only one place to go to. */
export default function FindOverlay({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [asked] = useDebouncedValue(text.trim(), 180);
  const navigate = useNavigate();
  const client = useQueryClient();
  const query = useQuery({ queryKey: ["find", asked], queryFn: ({ signal }) => api.find(asked, signal), enabled: asked.length >= LEAST_LETTERS });
  useEffect(() => {
    const box = dialog.current!;
    box.showModal();
    return () => box.close();
  }, []);
  const go = async () => {
    const value = text.trim();
    if (!value) return;
    const answer = await client.fetchQuery({ queryKey: ["find", value], queryFn: ({ signal }) => api.find(value, signal) }).catch(() => null);
    const one = answer && only(answer.matches);
    if (one) void navigate({ to: "/trail/$id", params: { id: one.trail }, search: { sel: one.node } });
    else void navigate({ to: "/find", search: { q: value } });
    close();
  };
  return (
    <dialog ref={dialog} className="find-overlay" aria-label="Find" onClose={close} onClick={(event) => event.target === dialog.current && close()}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void go();
        }}
      >
        <input autoFocus spellCheck={false} autoComplete="off" aria-label="Any id or value" placeholder="Trace, request, message or correlation id, user, any value" value={text} onChange={(event) => setText(event.currentTarget.value)} />
      </form>
      <div className="find-answers">
        {asked.length >= LEAST_LETTERS ? (
          <Answer query={query} what="matches" rows={2}>
            {(data) => (data.matches.length ? <FindResults matches={data.matches} value={asked} onFollow={close} /> : <p className="dim">Nothing carries exactly this value.</p>)}
          </Answer>
        ) : (
          <p className="dim">Whole ids and values, also an X-Ray id such as 1-5759e988-bd862e3fe1be46a994272793. Enter opens the trail.</p>
        )}
      </div>
    </dialog>
  );
}
