import { useEffect, useRef } from "react";
import { useScheme } from "../parts/theme";
import type { TrailModel } from "../views/model";
import type { Window } from "../views/scale";
import { Sequence } from "../views/sequence";
import { Waterfall, type WaterfallFilter } from "../views/waterfall";

/** What all views of a trail share: the selected node and the stretch of time in view. */
export interface Shared {
  model: TrailModel;
  selected: number;
  select: (row: number) => void;
  window: Window;
  zoomed: (window: Window) => void;
}

/** A value that an old closure may read fresh. */
export function useLatest<T>(value: T): React.RefObject<T> {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}

export function WaterfallView({ model, filter, selected, select, window, zoomed, onMatches }: Shared & { filter: WaterfallFilter; onMatches: (matches: number) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<Waterfall | null>(null);
  const { colours } = useScheme();
  const latest = useLatest({ select, onMatches, zoomed });
  useEffect(() => {
    const made = new Waterfall(host.current!, model, colours, filter, window, {
      select: (row) => latest.current.select(row),
      matches: (n) => latest.current.onMatches(n),
      zoomed: (to) => latest.current.zoomed(to),
    });
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
  useEffect(() => view.current?.setFilter(filter), [filter]);
  useEffect(() => view.current?.select(selected), [selected, model]);
  return <div className="view" ref={host} />;
}

export function SequenceView({ model, selected, select, window, zoomed }: Shared) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<Sequence | null>(null);
  const latest = useLatest({ select, zoomed });
  useEffect(() => {
    const made = new Sequence(host.current!, model, window, (row) => latest.current.select(row), (to) => latest.current.zoomed(to));
    view.current = made;
    return () => made.destroy();
    // The view lives as long as its box; what changes follows below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  useEffect(() => view.current?.setModel(model), [model]);
  useEffect(() => view.current?.setWindow(window), [window]);
  useEffect(() => view.current?.select(selected), [selected, model]);
  return <div className="view" ref={host} />;
}
