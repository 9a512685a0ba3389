import type { RefObject } from "react";
import { useKeys } from "./keys";

/** `j` and `k` move the focus through the links that name rows; Enter follows the focused link by itself. */
export function useRowKeys(box: RefObject<HTMLElement | null>): void {
  const move = (by: number) => {
    const links = [...(box.current?.querySelectorAll<HTMLElement>("tbody th a, [data-row-link]") ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement);
    links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
  };
  useKeys({ j: () => move(1), k: () => move(-1) });
}
