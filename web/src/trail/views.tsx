import { useEffect, useRef } from "react";
import { useScheme } from "../parts/theme";
import type { TrailModel } from "../views/model";
import { Sequence } from "../views/sequence";
import { Waterfall, type WaterfallFilter } from "../views/waterfall";

interface Shared {
  model: TrailModel;
  selected: number;
  select: (row: number) => void;
}

/** A value that an old closure may read fresh. */
function useLatest<T>(value: T): React.RefObject<T> {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}

export function WaterfallView({ model, filter, selected, select, onMatches }: Shared & { filter: WaterfallFilter; onMatches: (matches: number) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<Waterfall | null>(null);
  const { colours } = useScheme();
  const latest = useLatest({ select, onMatches });
  useEffect(() => {
    const made = new Waterfall(host.current!, model, colours, filter, { select: (row) => latest.current.select(row), matches: (n) => latest.current.onMatches(n) });
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
  useEffect(() => view.current?.setFilter(filter), [filter]);
  useEffect(() => view.current?.select(selected), [selected, model]);
  return <div className="view" ref={host} />;
}

export function SequenceView({ model, selected, select }: Shared) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<Sequence | null>(null);
  const latest = useLatest(select);
  useEffect(() => {
    const made = new Sequence(host.current!, model, (row) => latest.current(row));
    view.current = made;
    return () => made.destroy();
    // The view lives as long as its box; what changes follows below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  useEffect(() => view.current?.setModel(model), [model]);
  useEffect(() => view.current?.select(selected), [selected, model]);
  return <div className="view" ref={host} />;
}
