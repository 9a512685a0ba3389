/** Durations over time: where each dot lies, on a logarithmic axis, and cells where dots are too many. Pure. */

export interface Dot {
  timeMs: number;
  durationMs: number;
  bad: boolean;
  cold: boolean;
  id: string;
}

export interface DurationAxis {
  fromMs: number;
  toMs: number;
  leastMs: number;
  mostMs: number;
}

/** An axis of whole decades around the dots. */
export function axisFor(dots: Dot[], fromMs: number, toMs: number): DurationAxis {
  const known = dots.map((dot) => dot.durationMs).filter((ms) => ms > 0);
  const least = known.length ? Math.min(...known) : 1;
  const most = known.length ? Math.max(...known) : 1000;
  const leastMs = 10 ** Math.floor(Math.log10(least));
  return { fromMs, toMs, leastMs, mostMs: Math.max(10 ** Math.ceil(Math.log10(most * 1.0001)), leastMs * 10) };
}

/** Share 0..1 from the left and from the bottom. */
export function placeDot(dot: Dot, axis: DurationAxis): [number, number] {
  const up = Math.log(Math.max(dot.durationMs, axis.leastMs) / axis.leastMs) / Math.log(axis.mostMs / axis.leastMs);
  return [(dot.timeMs - axis.fromMs) / Math.max(axis.toMs - axis.fromMs, 1), Math.min(Math.max(up, 0), 1)];
}

export function decades(axis: DurationAxis): number[] {
  const list: number[] = [];
  for (let ms = axis.leastMs; ms <= axis.mostMs * 1.001; ms *= 10) list.push(ms);
  return list;
}

/** The dot nearest to a point (in shares, with the box's proportions), within `reach` pixels. */
export function nearest(dots: Dot[], axis: DurationAxis, x: number, y: number, width: number, height: number, reach: number): Dot | null {
  let best: Dot | null = null;
  let least = reach * reach;
  for (const dot of dots) {
    const [dx, dy] = placeDot(dot, axis);
    const far = ((dx - x) * width) ** 2 + ((dy - y) * height) ** 2;
    if (far < least) [least, best] = [far, dot];
  }
  return best;
}
