import { useEffect, useMemo, useRef, useState } from "react";
import type { Window } from "../views/scale";

const QUIET_MS = 250;

/** `from..to` in ms from the trail's start; null where it says nothing. */
export function parseZoom(text: string | undefined): Window | null {
  const [fromMs, toMs] = (text ?? "").split("..").map(Number);
  return Number.isFinite(fromMs) && Number.isFinite(toMs) && fromMs < toMs ? { fromMs, toMs } : null;
}

export function zoomText(window: Window, lengthMs: number): string | undefined {
  if (window.fromMs <= 0 && window.toMs >= lengthMs) return undefined;
  const digits = window.toMs - window.fromMs < 10 ? 4 : 1;
  return `${window.fromMs.toFixed(digits)}..${window.toMs.toFixed(digits)}`;
}

interface Zoom {
  window: Window;
  zoomed: (window: Window) => void;
  /** Let the next view begin with what this one shows. */
  settle: () => void;
}

/** The stretch of time in view: in the URL once the hand rests, shared by all views. */
export function useZoom(text: string | undefined, lengthMs: number, write: (text: string | undefined) => void): Zoom {
  const [window, setWindow] = useState(() => parseZoom(text));
  const written = useRef(text);
  const current = useRef(window);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (text === written.current) return;
    written.current = text;
    current.current = parseZoom(text);
    setWindow(current.current);
  }, [text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const zoomed = (to: Window) => {
    const next = zoomText(to, lengthMs);
    current.current = next === undefined ? null : to;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      written.current = next;
      write(next);
    }, QUIET_MS);
  };
  const shown = useMemo(() => window ?? { fromMs: 0, toMs: lengthMs }, [window, lengthMs]);
  return { window: shown, zoomed, settle: () => setWindow(current.current) };
}
