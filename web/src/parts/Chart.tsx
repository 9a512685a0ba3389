import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { axisTime, clock, count } from "../format";
import type { Range } from "../range";
import type { Palette } from "../views/palette";
import { SANS } from "../views/paint";
import { markLines, marksNear, useMarks, type Mark } from "./marks";
import { useScheme } from "./theme";

export interface Line {
  name: string;
  values: (number | null)[];
  colour: (colours: Palette) => string;
  bars?: boolean;
  dash?: number[];
  fill?: boolean;
}

const HEIGHT_PX = 150;
/** Counts have no halves. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 1_000_000];

/** The API leaves steps out in which nothing ran; a line must break there. */
export function withGaps<P extends { time: string }>(points: P[], nothing: (time: string) => P): P[] {
  const times = points.map((point) => Date.parse(point.time));
  const step = Math.min(...times.slice(1).map((at, i) => at - times[i]));
  return points.flatMap((point, i) => {
    if (i === 0 || times[i] - times[i - 1] < step * 1.5) return [point];
    return [nothing(new Date(times[i - 1] + step).toISOString()), point];
  });
}

/** Lines or bars over time, with the values under the pointer; `bare` where its title stands above already. */
export function Chart({ title, times, lines, range, unit, height = HEIGHT_PX, mark, bare = false }: { title: string; times: number[]; lines: Line[]; range: Range; unit: (value: number) => string; height?: number; mark?: string; bare?: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  const { colours } = useScheme();
  const marks = useMarks(range);
  useEffect(() => {
    const box = host.current!;
    const plot = new uPlot(options(lines, colours, box.clientWidth, height, unit, range, marks), [times, ...lines.map((line) => line.values)] as uPlot.AlignedData, box);
    const watcher = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height }));
    watcher.observe(box);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [times, lines, colours, unit, range, height, marks]);
  return (
    <figure className="box chart">
      <figcaption>
        <span className={bare ? "hidden" : undefined}>{title}</span>
        <span className="keys">
          {mark}
          {lines.map((line) => (
            <span key={line.name}>
              <svg width={14} height={8} aria-hidden>
                <line x1={0} x2={14} y1={4} y2={4} stroke={line.colour(colours)} strokeWidth={line.bars ? 7 : 2} strokeDasharray={line.dash?.join(" ")} />
              </svg>
              {line.name}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={host} style={{ height }} role="img" aria-label={`${title} over time: ${lines.map((line) => line.name).join(", ")}`} />
    </figure>
  );
}

function options(lines: Line[], colours: Palette, width: number, height: number, unit: (value: number) => string, range: Range, marks: Mark[]): uPlot.Options {
  const axis: uPlot.Axis = { stroke: colours.dim, font: `11px ${SANS}`, grid: { stroke: colours.line, width: 1 }, ticks: { show: false } };
  return {
    width: Math.max(width, 100),
    height,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { points: { size: 5 }, drag: { x: false, y: false } },
    scales: { x: { time: true, range: [range.sinceMs / 1000, range.untilMs / 1000] }, y: { range: (_u, _min, max) => [0, Math.max(max * 1.08, 1)] } },
    axes: [
      { ...axis, size: 24, space: 58, grid: { show: false }, values: (_u, splits) => splits.map((at) => axisTime(at * 1000, range.untilMs - range.sinceMs)) },
      { ...axis, size: 54, space: height < 120 ? 22 : 36, ...(unit === count ? { incrs: WHOLE } : {}), values: (_u, splits) => splits.map((value) => (value === null ? "" : unit(value).replace(/\.0+(?=\D|$)/, ""))) },
    ],
    series: [
      {},
      ...lines.map(
        (line): uPlot.Series => ({
          stroke: line.colour(colours),
          width: line.bars ? 0 : 1.5,
          fill: line.bars ? line.colour(colours) : undefined,
          dash: line.dash,
          paths: line.bars ? uPlot.paths.bars!({ size: [0.8, 14], align: 1 }) : undefined,
          points: { show: !line.bars && line.values.filter((v) => v !== null).length < 20, size: 4, fill: line.colour(colours) },
          spanGaps: line.name === "size",
        }),
      ),
    ],
    plugins: [tip(lines, unit, marks), markLines(marks, colours)],
  };
}

/** The values under the pointer, as text. */
function tip(lines: Line[], unit: (value: number) => string, marks: Mark[]): uPlot.Plugin {
  const box = document.createElement("div");
  box.className = "view-tip";
  return {
    hooks: {
      init: (plot) => {
        box.hidden = true;
        plot.over.append(box);
      },
      setCursor: (plot) => {
        const at = plot.cursor.idx;
        const inside = at !== null && at !== undefined && (plot.cursor.left ?? -1) >= 0;
        box.hidden = !inside;
        if (!inside) return;
        const known = lines.filter((line) => line.values[at] !== null && line.values[at] !== undefined);
        box.textContent = [clock(plot.data[0][at] * 1000), ...known.map((line) => `${line.name} ${unit(line.values[at]!)}`), ...marksNear(marks, plot)].join("\n");
        const left = plot.cursor.left ?? 0;
        box.style.left = `${left > plot.over.clientWidth / 2 ? left - box.offsetWidth - 10 : left + 10}px`;
        box.style.top = "4px";
      },
    },
  };
}
