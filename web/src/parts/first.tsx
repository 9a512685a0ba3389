import { Button } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { count } from "../format";

const FIRST = 40;

/** The first of a long list, and a button for all of it: hundreds of rows with links take a browser longer than the server. */
export function useFirst<T>(list: T[], many: string): [T[], ReactNode] {
  const [all, setAll] = useState(false);
  // A few more than that are no reason for a button.
  if (all || list.length <= FIRST * 1.25) return [list, null];
  return [
    list.slice(0, FIRST),
    <Button variant="default" size="xs" className="more" onClick={() => setAll(true)}>
      Show all {count(list.length)} {many}
    </Button>,
  ];
}
