import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState, type RefObject } from "react";
import { useRange } from "../parts/range";
import type { Range } from "../range";
import type { Panel } from "./board";
import { dashboardsApi } from "./dashboardsApi";
import { titleOf } from "./kinds";

const STEADY_MS = 30_000;
const NEAR = "300px";

/** The range of the URL, moving on twice a minute: a dashboard asks many questions at once. */
export function useSteadyRange(): Range {
  const range = useRange();
  const beat = range.relative ? Math.floor(range.untilMs / STEADY_MS) : 0;
  // The range itself is a new object every few seconds.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  return useMemo(() => range, [range.text, beat]);
}

/** Whether a panel is in sight, or nearly: others need not ask. */
export function useInSight(box: RefObject<HTMLElement | null>): boolean {
  const [inSight, setInSight] = useState(false);
  useEffect(() => {
    const watcher = new IntersectionObserver((entries) => setInSight(entries.at(-1)!.isIntersecting), { rootMargin: NEAR });
    watcher.observe(box.current!);
    return () => watcher.disconnect();
  }, [box]);
  return inSight;
}

/** A value once it has not changed for a while, so that typing does not ask with every key. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    if (!ms) return setSettled(value);
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

export function useWatchable() {
  return useQuery({ queryKey: ["watchable"], queryFn: ({ signal }) => dashboardsApi.watchable(signal), staleTime: Infinity }).data?.services ?? [];
}

/** A panel's title; of what is watched the service's own words. */
export function useTitle(panel: Panel): string {
  const services = useWatchable();
  if (panel.kind !== "watched" || panel.title) return titleOf(panel);
  const service = services.find((one) => one.id === panel.service);
  const metric = service?.metrics.find((one) => one.id === panel.metric);
  const who = panel.name || service?.name.replace(/^(AWS|Amazon) /, "");
  return metric ? `${who}: ${metric.name.replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase())}` : titleOf(panel);
}
