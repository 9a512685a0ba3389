import { Button, NativeSelect, TextInput } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { api, type Findings } from "../api";
import { Answer, Empty } from "../parts/Answer";
import { FindingTable } from "../parts/FindingTable";
import { useLive } from "../parts/live";
import { useRowKeys } from "../parts/rowKeys";
import type { Search } from "../search";

const PAGE = 50;
const WHICH = [
  { value: "", label: "open or acknowledged" },
  { value: "open", label: "open" },
  { value: "acknowledged", label: "acknowledged" },
  { value: "muted", label: "muted" },
  { value: "resolved", label: "resolved" },
  { value: "all", label: "all" },
];
const SEVERITIES = [{ value: "", label: "any" }, "high", "medium", "low"];
const REFRESH_MS = 10_000;

/** What is wrong, noticed without anyone asking; the same trouble is one row, however often it happens. */
export default function FindingsScreen() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const live = useLive();
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const { status: which, tab: severity, service: about } = search;
  const query = useInfiniteQuery({
    queryKey: ["findings", which, severity, about],
    queryFn: ({ pageParam, signal }) => api.findings(which ?? "current", { severity, about }, pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.cursor,
    placeholderData: keepPreviousData,
    refetchInterval: live.on ? REFRESH_MS / 2 : REFRESH_MS,
  });
  const set = (change: Partial<Search>) => void navigate({ to: ".", replace: true, search: (before: Search) => ({ ...before, ...change }) });
  const filtered = Boolean(which || severity || about);
  const clear = () => set({ status: undefined, tab: undefined, service: undefined });
  return (
    <div className="screen findings" ref={box}>
      <header className="function-head">
        <h1>Findings</h1>
        {query.data && <span className="dim">{told(query.data.pages[0])}</span>}
      </header>
      <form className="filters" role="search" aria-label="Filter findings" onSubmit={(event) => event.preventDefault()}>
        <NativeSelect size="xs" label="State" value={which ?? ""} onChange={(event) => set({ status: event.currentTarget.value || undefined })} data={WHICH} />
        <NativeSelect size="xs" label="Severity" value={severity ?? ""} onChange={(event) => set({ tab: event.currentTarget.value || undefined })} data={SEVERITIES} />
        <About value={about} set={(service) => set({ service })} />
        {filtered && (
          <Button size="xs" variant="default" onClick={clear}>
            Clear
          </Button>
        )}
      </form>
      <Answer query={query} what="the findings" rows={6}>
        {(data) => {
          const findings = data.pages.flatMap((page) => page.findings);
          if (findings.length === 0) return <Nothing filtered={filtered} clear={clear} />;
          return (
            <>
              <FindingTable findings={findings} />
              {query.hasNextPage && (
                <Button variant="default" size="xs" className="more" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Load {PAGE} more
                </Button>
              )}
            </>
          );
        }}
      </Answer>
    </div>
  );
}

function told(page: Findings): string {
  const { high = 0, medium = 0, low = 0 } = page.counts;
  return high + medium + low ? `${high} high, ${medium} medium, ${low} low` : "";
}

function Nothing({ filtered, clear }: { filtered: boolean; clear: () => void }) {
  if (filtered)
    return (
      <Empty title="No finding passes the filter">
        <button type="button" className="link" onClick={clear}>
          Clear the filter
        </button>
      </Empty>
    );
  return (
    <Empty title="Nothing was found wrong">
      coldtrail looks at everything that arrives, every few seconds: failures, time-outs, memory, errors in the lines of functions that succeed, failing dependencies and executions.{" "}
      <Link to="/overview">See what runs</Link>.
    </Empty>
  );
}

function About({ value, set }: { value?: string; set: (value?: string) => void }) {
  const [text, setText] = useState(value ?? "");
  useEffect(() => setText(value ?? ""), [value]);
  return (
    <TextInput
      size="xs"
      label="About (function, queue …)"
      className="wide"
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={() => set(text.trim() || undefined)}
      onKeyDown={(event) => event.key === "Enter" && set(text.trim() || undefined)}
    />
  );
}

