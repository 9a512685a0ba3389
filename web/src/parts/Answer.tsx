import { Button } from "@mantine/core";
import { useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import { ApiError } from "../api";

/** What a panel shows while its question is open, failed or answered; one panel fails alone. */
export function Answer<T>({ query, children, rows = 4, what }: { query: UseQueryResult<T>; children: (data: T) => ReactNode; rows?: number; what: string }) {
  if (query.data !== undefined)
    return (
      <>
        {query.isError && <Failed error={query.error} retry={query.refetch} what={what} brief />}
        {children(query.data)}
      </>
    );
  if (query.isError) return <Failed error={query.error} retry={query.refetch} what={what} />;
  return <Loading rows={rows} what={what} />;
}

function useAfter(ms: number): boolean {
  const [passed, setPassed] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setPassed(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return passed;
}

/** Nothing for 150 ms, then a skeleton; after a second how long it has taken, and a way out. */
export function Loading({ rows = 4, what }: { rows?: number; what: string }) {
  const visible = useAfter(150);
  const long = useAfter(1000);
  const client = useQueryClient();
  const [seconds, setSeconds] = useState(1);
  useEffect(() => {
    if (!long) return;
    const timer = setInterval(() => setSeconds((s) => s + 1), 1000);
    return () => clearInterval(timer);
  }, [long]);
  return (
    <div className="loading" role="status" aria-label={`Loading ${what}`}>
      {visible && Array.from({ length: rows }, (_, i) => <div key={i} className="skeleton" />)}
      {long && (
        <p className="dim">
          Asking for {what} for {seconds} s{" "}
          <Button size="compact-xs" variant="default" onClick={() => void client.cancelQueries()}>
            Cancel
          </Button>
        </p>
      )}
    </div>
  );
}

const HINTS: Record<number, string> = {
  0: "Is coldtrail up still running? This page asks again when you retry.",
  401: "Open the address that coldtrail up printed; it carries the token.",
  403: "Open the address that coldtrail up printed; it carries the token.",
  404: "It may be older than the retention, or not loaded yet.",
  503: "The server is busy; it usually recovers within seconds.",
};

export function Failed({ error, retry, what, brief = false }: { error: unknown; retry: () => unknown; what: string; brief?: boolean }) {
  const problem = error instanceof ApiError ? error : null;
  const said = problem ? [problem.message, problem.detail].filter(Boolean).join(": ") : String(error);
  return (
    <div className={brief ? "failed brief" : "failed"} role="alert">
      <strong>Could not get {what}.</strong> <span>{said}</span>{" "}
      {problem && HINTS[problem.status] && !brief && <span className="dim">{HINTS[problem.status]} </span>}
      {problem?.requestId && <span className="dim">Request id <code>{problem.requestId}</code>. </span>}
      <Button size="compact-xs" variant="default" onClick={() => void retry()}>
        Retry
      </Button>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      <div>{children}</div>
    </div>
  );
}
