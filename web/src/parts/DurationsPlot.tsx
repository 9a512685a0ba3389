import { useEffect, useRef } from "react";
import { Durations } from "../views/durations";
import type { Dot } from "../views/durationsLayout";
import { useScheme } from "./theme";

/** The scatter of durations in a React page. */
export function DurationsPlot({ dots, fromMs, toMs, height, label, choose }: { dots: Dot[]; fromMs: number; toMs: number; height: number; label: string; choose: (id: string) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<Durations | null>(null);
  const latest = useRef(choose);
  const { colours } = useScheme();
  useEffect(() => {
    latest.current = choose;
  });
  useEffect(() => {
    view.current = new Durations(host.current!, { dots: [], fromMs: 0, toMs: 1 }, colours, (id) => latest.current(id));
    return () => view.current?.destroy();
    // The view lives as long as its box; data and colours follow below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  useEffect(() => view.current?.update({ dots, fromMs, toMs }, colours), [dots, fromMs, toMs, colours]);
  return <div ref={host} style={{ height }} role="img" aria-label={label} />;
}
