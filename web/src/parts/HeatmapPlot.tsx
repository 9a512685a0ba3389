import { useEffect, useRef } from "react";
import { Heatmap } from "../views/heatmap";
import type { Chosen, Heat } from "../views/heatmapLayout";
import { useMarks } from "./marks";
import { useRange } from "./range";
import { useScheme } from "./theme";

/** The heatmap of durations in a React page, with the deployments of the range. */
export function HeatmapPlot({ heat, height, label, choose }: { heat: Heat; height: number; label: string; choose: (chosen: Chosen) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<Heatmap | null>(null);
  const latest = useRef(choose);
  const { colours } = useScheme();
  const happened = useMarks(useRange());
  useEffect(() => {
    latest.current = choose;
  });
  useEffect(() => {
    view.current = new Heatmap(host.current!, heat, colours, (chosen) => latest.current(chosen));
    return () => view.current?.destroy();
    // The view lives as long as its box; data and colours follow below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  useEffect(() => view.current?.update(heat, colours, happened), [heat, colours, happened]);
  return <div ref={host} style={{ height }} role="img" aria-label={label} />;
}
