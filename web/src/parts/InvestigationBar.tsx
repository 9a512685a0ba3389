import { Button, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useRouterState } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { ApiError } from "../api";
import { investigate, type Active } from "../investigating";
import { investigationsApi } from "../investigationsApi";
import "./investigationBar.css";

/** A screen that was seen for less was passed through, not looked at. */
const LOOKED_AFTER_MS = 1500;
const NOTED = /^\/(trail|finding|function|resource|workflows|event-sources)\/./;
const LONGEST_TITLE = 300;

function titleOf(path: string): string {
  const heading = document.querySelector("#main h1")?.textContent?.trim();
  const kind = path.split("/")[1];
  return `${kind[0].toUpperCase()}${kind.slice(1).replaceAll("-", " ")}: ${heading || decodeURIComponent(path.split("/")[2] ?? "")}`.slice(0, LONGEST_TITLE);
}

/** One line that says which investigation this is part of; what is looked at goes into its record. */
export default function InvestigationBar({ active }: { active: Active }) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const client = useQueryClient();
  const [writing, setWriting] = useState(false);
  const [text, setText] = useState("");
  const link = () => `${location.pathname}${location.search}`;
  const again = () => void client.invalidateQueries({ queryKey: ["investigation", active.id] });
  const looking = useMutation({
    mutationFn: (at: { path: string; link: string }) => investigationsApi.looked(active.id, titleOf(at.path), at.link),
    onSuccess: again,
    // What was deleted meanwhile is left.
    onError: (error) => error instanceof ApiError && error.status === 404 && investigate(null),
  });
  const noting = useMutation({
    mutationFn: () => investigationsApi.note(active.id, text.trim(), link()),
    onSuccess: () => {
      setText("");
      setWriting(false);
      again();
    },
  });
  const { mutate } = looking;
  useEffect(() => {
    if (!NOTED.test(path)) return;
    const timer = setTimeout(() => mutate({ path, link: link() }), LOOKED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [path, mutate]);
  const said = looking.isError || noting.isError ? "It could not be kept." : noting.isSuccess && !writing ? "Noted." : looking.isSuccess ? "Kept in its record." : "";
  return (
    <aside className="investigating" aria-label="Investigation">
      <span className="dim">Investigating:</span>
      <Link to="/investigations/$id" params={{ id: active.id }}>
        {active.name}
      </Link>
      <span className="dim" role="status">
        {said}
      </span>
      <span className="grow" />
      {writing ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (text.trim()) noting.mutate();
          }}
        >
          <TextInput size="xs" aria-label="Note" placeholder="What you found" value={text} maxLength={5000} autoFocus onChange={(event) => setText(event.currentTarget.value)} onKeyDown={(event) => event.key === "Escape" && setWriting(false)} />
          <Button size="xs" type="submit" loading={noting.isPending} disabled={!text.trim()}>
            Keep
          </Button>
        </form>
      ) : (
        <>
          <Button size="compact-xs" variant="default" loading={looking.isPending} onClick={() => mutate({ path, link: link() })}>
            Note this page
          </Button>
          <Button size="compact-xs" variant="default" onClick={() => setWriting(true)}>
            Add a note
          </Button>
        </>
      )}
      <Button size="compact-xs" variant="default" onClick={() => investigate(null)}>
        Leave
      </Button>
    </aside>
  );
}
