import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type uPlot from "uplot";
import { costsApi } from "../costsApi";
import { asParameters, type Range } from "../range";
import { SANS } from "../views/paint";
import type { Palette } from "../views/palette";

/** A deployment on a time axis; `at` in Unix seconds. */
export interface Mark {
  at: number;
  label: string;
  failed: boolean;
}

const MOST_LABELS = 6;
const NEAR_PX = 5;

/** The deployments of a range, announced or seen: asked for once for all charts of a screen. */
export function useMarks(range: Range): Mark[] {
  const query = useQuery({
    queryKey: ["marks", range.text, Math.floor(range.untilMs / 60_000)],
    queryFn: ({ signal }) => costsApi.deployments(asParameters(range), signal),
    staleTime: 30_000,
    placeholderData: (before) => before,
    retry: false,
  });
  return useMemo(() => {
    const announced = (query.data?.deployments ?? []).map((one) => ({ at: Date.parse(one.time) / 1000, label: `${one.application} ${one.version}`, failed: one.failed !== null }));
    const seen = (query.data?.seen ?? []).map((one) => ({ at: Date.parse(one.time) / 1000, label: `${one.services.length === 1 ? one.services[0] : `${one.services.length} services`} ${one.version}`, failed: false }));
    return [...announced, ...seen];
  }, [query.data]);
}

/** A dashed line for each deployment, and its name where there is room. */
export function markLines(marks: Mark[], colours: Palette): uPlot.Plugin {
  return {
    hooks: {
      draw: (plot) => {
        const { ctx, bbox } = plot;
        const visible = marks.filter((mark) => mark.at * 1000 >= plot.scales.x.min! * 1000 && mark.at <= plot.scales.x.max!);
        ctx.save();
        ctx.font = `${10 * devicePixelRatio}px ${SANS}`;
        ctx.lineWidth = devicePixelRatio;
        for (const mark of visible) {
          const x = Math.round(plot.valToPos(mark.at, "x", true)) + 0.5;
          ctx.strokeStyle = ctx.fillStyle = mark.failed ? colours.error : colours.dim;
          ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
          if (visible.length > MOST_LABELS) continue;
          const right = x > bbox.left + bbox.width * 0.7;
          ctx.textAlign = right ? "right" : "left";
          // On the panel's ground, so that bars and lines behind do not cross it out.
          const width = ctx.measureText(mark.label).width + 6 * devicePixelRatio;
          const ink = ctx.fillStyle;
          ctx.fillStyle = colours.panel;
          ctx.fillRect(right ? x - width - devicePixelRatio : x + devicePixelRatio, bbox.top, width, 13 * devicePixelRatio);
          ctx.fillStyle = ink;
          ctx.fillText(mark.label, x + (right ? -4 : 4) * devicePixelRatio, bbox.top + 10 * devicePixelRatio);
        }
        ctx.restore();
      },
    },
  };
}

/** What was deployed under the pointer. */
export function marksNear(marks: Mark[], plot: uPlot): string[] {
  const left = plot.cursor.left ?? -1;
  return marks.filter((mark) => Math.abs(plot.valToPos(mark.at, "x") - left) <= NEAR_PX).map((mark) => `deployed ${mark.label}${mark.failed ? ", failed" : ""}`);
}
