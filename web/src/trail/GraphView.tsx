import { useEffect, useRef } from "react";
import { useScheme } from "../parts/theme";
import { Graph } from "../views/graph";
import { useLatest, type Shared } from "./views";

/** The causal graph in a React page; a chunk of its own. */
export default function GraphView({ model, selected, select, window }: Shared) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<Graph | null>(null);
  const { colours } = useScheme();
  const latest = useLatest(select);
  useEffect(() => {
    const made = new Graph(host.current!, model, colours, window, (row) => latest.current(row));
    view.current = made;
    return () => made.destroy();
    // The view lives as long as its box; what changes follows below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) view.current?.setModel(model);
    first.current = false;
  }, [model]);
  useEffect(() => view.current?.setColours(colours), [colours]);
  useEffect(() => view.current?.setWindow(window), [window]);
  useEffect(() => view.current?.select(selected), [selected, model]);
  return <div className="view" ref={host} />;
}
