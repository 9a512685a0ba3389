import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { api, type Match } from "../api";
import { Answer, Empty } from "../parts/Answer";
import { FindResults } from "../parts/FindResults";
import { InvestigateButton } from "../parts/InvestigateButton";
import { only } from "../parts/found";
import { useRowKeys } from "../parts/rowKeys";

export default function Find() {
  const { q } = useSearch({ strict: false });
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const query = useQuery({ queryKey: ["find", q], queryFn: ({ signal }) => api.find(q!, signal), enabled: Boolean(q) });
  const one = query.data && only(query.data.matches);
  useEffect(() => {
    // Replaces this entry, so that Back does not bounce.
    if (one) void navigate({ to: "/trail/$id", params: { id: one.trail }, search: { sel: one.node }, replace: true });
  }, [one, navigate]);
  return (
    <div className="screen find" ref={box}>
      <h1>Find</h1>
      <Ask key={q} value={q ?? ""} />
      {q ? (
        <Answer query={query} what="matches" rows={3}>
          {(data) => (data.matches.length ? <Found matches={data.matches} value={q} /> : <Nothing value={q} />)}
        </Answer>
      ) : (
        <Empty title="One box for every id">
          A trace id (W3C or X-Ray form), Lambda request id, message id, stream sequence number, execution ARN, or any attribute value such as a user or correlation id.
        </Empty>
      )}
    </div>
  );
}

function Found({ matches, value }: { matches: Match[]; value: string }) {
  return (
    <>
      <div className="trail-tools">
        <InvestigateButton start={{ kind: "value", id: value }} />
      </div>
      <FindResults matches={matches} value={value} />
    </>
  );
}

function Ask({ value }: { value: string }) {
  const [text, setText] = useState(value);
  const navigate = useNavigate();
  return (
    <form
      role="search"
      className="ask"
      onSubmit={(event) => {
        event.preventDefault();
        void navigate({ to: "/find", search: { q: text.trim() || undefined } });
      }}
    >
      <TextInput aria-label="Any id or value" placeholder="Any id or value" value={text} spellCheck={false} onChange={(event) => setText(event.currentTarget.value)} autoFocus={!value} />
      <Button type="submit" variant="default">
        Find
      </Button>
    </form>
  );
}

function Nothing({ value }: { value: string }) {
  return (
    <Empty title={`Nothing carries ${value}`}>
      Values are compared whole. What was just sent is visible within two seconds; logs through Firehose take up to a minute. A function without a key in common with its caller is found by its own request id.
    </Empty>
  );
}
