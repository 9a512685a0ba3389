/** The investigation that this browser is in: kept until it is left, and the same in every tab. */

import { useSyncExternalStore } from "react";

export interface Active {
  id: string;
  name: string;
}

const KEY = "coldtrail.investigating";
const CHANGED = "coldtrail-investigating";

function stored(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** Go into an investigation, or leave it with null. */
export function investigate(active: Active | null): void {
  try {
    if (active) localStorage.setItem(KEY, JSON.stringify({ id: active.id, name: active.name }));
    else localStorage.removeItem(KEY);
  } catch {
    // A browser that keeps nothing has no investigation to be in.
  }
  window.dispatchEvent(new Event(CHANGED));
}

function subscribe(changed: () => void): () => void {
  window.addEventListener("storage", changed);
  window.addEventListener(CHANGED, changed);
  return () => {
    window.removeEventListener("storage", changed);
    window.removeEventListener(CHANGED, changed);
  };
}

export function useActive(): Active | null {
  const text = useSyncExternalStore(subscribe, stored);
  if (!text) return null;
  try {
    const { id, name } = JSON.parse(text) as Partial<Active>;
    return typeof id === "string" && typeof name === "string" ? { id, name } : null;
  } catch {
    return null;
  }
}
