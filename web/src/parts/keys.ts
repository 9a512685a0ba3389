import { useEffect, useRef } from "react";

export const HELP: [string, string][] = [
  ["/", "find any id or value"],
  ["Ctrl K", "go to a function, queue, stream, table, screen or id"],
  ["t", "change the time range"],
  ["l", "live mode on or off"],
  ["y", "copy a link to what you see, with fixed times"],
  ["g o", "go to Overview"],
  ["g h", "go to Dashboards"],
  ["g n", "go to Findings"],
  ["g a", "go to Alerts"],
  ["g v", "go to Investigations"],
  ["g p", "go to Objectives"],
  ["g w", "go to Workflows"],
  ["g m", "go to Map"],
  ["g t", "go to Trails"],
  ["g e", "go to Event sources"],
  ["g x", "go to Metrics"],
  ["g s", "go to Cold starts"],
  ["g i", "go to Limits"],
  ["g b", "go to Costs"],
  ["g d", "go to Deployments"],
  ["g f", "go to Find"],
  ["g c", "go to Connect"],
  ["j k", "next or previous row"],
  ["Enter", "open the row"],
  ["← →", "close or open a branch of the waterfall"],
  ["+ - 0", "zoom in, out, all of the trail"],
  ["e", "next failure in the trail"],
  ["[ ]", "to the cause, to the effect of the selected node"],
  ["v w", "the trail as a waterfall"],
  ["v s", "the trail as a sequence"],
  ["v g", "the trail as a graph"],
  ["?", "this list"],
  ["Esc", "close what lies on top"],
];

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable);
}

/** Single keys and pairs such as `g o` and `v s`, while nobody types into a field and no dialog is open. */
export function useKeys(actions: Record<string, () => void>): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    let prefix = "";
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      const key = prefix ? `${prefix} ${event.key}` : event.key;
      prefix = (event.key === "g" || event.key === "v") && !prefix ? event.key : "";
      const action = latest.current[key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

/** Ctrl-K or Cmd-K, also while somebody types; not over an open dialog. */
export function useControlK(action: () => void): void {
  const latest = useRef(action);
  useEffect(() => {
    latest.current = action;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}
