import { Button, TextInput } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode, type RefObject } from "react";
import { beganMs } from "../early";
import { between, describe, parseRange, PRESETS, type Range } from "../range";
import { useLive } from "./live";

const REFRESH_MS = 10_000;
const RangeContext = createContext<Range>(parseRange(undefined, Date.now()));

/** The time range of the URL; a relative one moves on by itself. */
export function useRange(): Range {
  return useContext(RangeContext);
}

export function useSetRange(): (text: string) => void {
  const navigate = useNavigate();
  return (text) => void navigate({ to: ".", search: (before: object) => ({ ...before, t: text }) });
}

export function RangeProvider({ children }: { children: ReactNode }) {
  const { t } = useSearch({ strict: false });
  const { beat } = useLive();
  const [now, setNow] = useState(beganMs);
  const first = useRef(true);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && setNow(Date.now()), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    // The first range is the one that was asked for already.
    if (!first.current) setNow(Date.now());
    first.current = false;
  }, [beat, t]);
  const range = useMemo(() => parseRange(t, now), [t, now]);
  return <RangeContext value={range}>{children}</RangeContext>;
}

function local(ms: number): string {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 19);
}

/** The button and its menu: a native popover, which closes by itself on Escape or a click elsewhere. */
export function RangeControl({ menu }: { menu: RefObject<HTMLDivElement | null> }) {
  const range = useRange();
  const setRange = useSetRange();
  const [opened, setOpened] = useState(false);
  const choose = (text: string) => {
    setRange(text);
    menu.current?.hidePopover();
  };
  return (
    <>
      <Button variant="default" size="xs" popoverTarget="range-menu" aria-expanded={opened} aria-label={`Time range: ${describe(range)}`} title="Time range (t)">
        {describe(range)}
      </Button>
      <div id="range-menu" ref={menu} popover="auto" className="range-menu" onToggle={(event) => setOpened(event.newState === "open")}>
        <div className="range-presets">
          {PRESETS.map(([text, name], i) => (
            <button key={text} type="button" className="plain-item" autoFocus={i === 0} aria-pressed={range.text === text} onClick={() => choose(text)}>
              last {name}
            </button>
          ))}
        </div>
        {opened && <Exact key={range.text} range={range} choose={choose} />}
      </div>
    </>
  );
}

function Exact({ range, choose }: { range: Range; choose: (text: string) => void }) {
  const [from, setFrom] = useState(local(range.sinceMs));
  const [to, setTo] = useState(local(range.untilMs));
  const valid = Date.parse(from) < Date.parse(to);
  return (
    <form
      className="range-exact"
      onSubmit={(event) => {
        event.preventDefault();
        if (valid) choose(between(Date.parse(from), Date.parse(to)));
      }}
    >
      <TextInput size="xs" label="From" value={from} onChange={(event) => setFrom(event.currentTarget.value)} type="datetime-local" step={1} />
      <TextInput size="xs" label="To" value={to} onChange={(event) => setTo(event.currentTarget.value)} type="datetime-local" step={1} error={valid ? undefined : "must be later than From"} />
      <Button size="xs" type="submit" variant="default" disabled={!valid}>
        Show
      </Button>
    </form>
  );
}
