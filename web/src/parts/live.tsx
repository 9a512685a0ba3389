import { useNavigate, useSearch } from "@tanstack/react-router";
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { address } from "../api";

export interface Loaded {
  spans: number;
  logs: number;
  metrics: number;
  newest: string | null;
}

interface Live {
  on: boolean;
  /** Counts loads since live mode began; changes at most every `LEAST_MS`. */
  beat: number;
  last: Loaded | null;
  connected: boolean;
  toggle: () => void;
}

const LEAST_MS = 1000;
const LiveContext = createContext<Live>({ on: false, beat: 0, last: null, connected: false, toggle: () => undefined });

export function useLive(): Live {
  return useContext(LiveContext);
}

/** Listen to the server's `loaded` events while live mode is on. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const { live } = useSearch({ strict: false });
  const navigate = useNavigate();
  const on = live === "1";
  const [state, setState] = useState({ beat: 0, last: null as Loaded | null, connected: false });
  useEffect(() => (on ? listen(setState) : undefined), [on]);
  const value = useMemo(() => {
    const toggle = () => void navigate({ to: ".", search: (before: object) => ({ ...before, live: on ? undefined : "1" }) });
    return { ...state, connected: on && state.connected, on, toggle };
  }, [state, on, navigate]);
  return <LiveContext value={value}>{children}</LiveContext>;
}

type SetState = (change: (before: { beat: number; last: Loaded | null; connected: boolean }) => { beat: number; last: Loaded | null; connected: boolean }) => void;

function listen(setState: SetState): () => void {
  const source = new EventSource(address("/live"));
  let pending: Loaded | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    const last = pending;
    if (last) setState((before) => ({ ...before, beat: before.beat + 1, last }));
  };
  source.addEventListener("open", () => setState((before) => ({ ...before, connected: true })));
  source.addEventListener("error", () => setState((before) => ({ ...before, connected: false })));
  source.addEventListener("loaded", (event) => {
    pending = JSON.parse((event as MessageEvent<string>).data) as Loaded;
    timer ??= setTimeout(flush, LEAST_MS);
  });
  return () => {
    source.close();
    clearTimeout(timer);
  };
}
