import { describe as suite, expect, test } from "vitest";
import { axisFor, nearest, placeDot, type Dot } from "../src/views/durationsLayout";
import { decode } from "../src/views/model";
import { clampWindow, IDLE_WIDTH, piecewise, ticks, zoomAt } from "../src/views/scale";
import { layoutSequence } from "../src/views/sequenceLayout";
import { sparkline } from "../src/views/sparkline";
import { smallTrail } from "./trail";

suite("the zoom", () => {
  test("keeps the moment under the pointer where it is", () => {
    const next = zoomAt({ fromMs: 0, toMs: 1000 }, 250, 0.5, 1000);
    expect((250 - next.fromMs) / (next.toMs - next.fromMs)).toBeCloseTo(0.25);
  });
  test("never leaves the trail", () => {
    expect(clampWindow({ fromMs: -500, toMs: 300 }, 1000)).toEqual({ fromMs: 0, toMs: 800 });
    expect(clampWindow({ fromMs: 900, toMs: 1300 }, 1000)).toEqual({ fromMs: 600, toMs: 1000 });
  });
  test("has round ticks", () => {
    expect(ticks({ fromMs: 0, toMs: 1000 }, 5)).toEqual([0, 200, 400, 600, 800, 1000]);
    expect(ticks({ fromMs: 0, toMs: 480_000 }, 6)).toEqual([0, 120_000, 240_000, 360_000, 480_000]);
  });
});

suite("the piecewise axis", () => {
  test("shrinks an idle minute to a fixed width", () => {
    const scale = piecewise([[0, 60], [60_000, 60_200]], 60_200, 1000);
    const idle = scale.pieces.filter((piece) => piece.idle);
    expect(idle).toHaveLength(1);
    expect(idle[0].x1 - idle[0].x0).toBe(IDLE_WIDTH);
    expect(scale.width).toBeCloseTo(1000);
  });
  test("never turns time back", () => {
    const scale = piecewise([[0, 5], [3, 40], [900, 901], [5000, 5001]], 6000, 800);
    const xs = Array.from({ length: 300 }, (_, i) => scale.x(i * 20));
    expect(xs.every((x, i) => i === 0 || x >= xs[i - 1])).toBe(true);
  });
  test("answers something for a trail of one instant", () => {
    expect(piecewise([[0, 0]], 0.001, 500).x(0)).toBe(0);
  });
});

suite("the sequence", () => {
  const layout = layoutSequence(decode(smallTrail()), 900);
  test("has a lane for each service in order of first work", () => {
    expect(layout.lanes.map((lane) => lane.service)).toEqual(["api", "post", "queue", "notify"]);
  });
  test("draws a wait from the cause to the start, and a blue cap for the init", () => {
    const last = layout.bars[3];
    expect(last.waitX).not.toBeNull();
    expect(last.waitX!).toBeLessThan(last.x - IDLE_WIDTH + 1);
    expect(last.coldWidth).toBeGreaterThan(0);
    expect(last.coldWidth).toBeLessThanOrEqual(last.width);
  });
  test("marks the inferred step", () => {
    expect(layout.steps.map((step) => step.certain)).toEqual([true, true, false]);
  });
  test("stacks bars of one service that overlap", () => {
    const columns = smallTrail();
    columns.nodes.service = columns.nodes.service.map(() => columns.nodes.service[0]);
    const ys = layoutSequence(decode(columns), 900).bars.map((bar) => bar.y);
    expect(new Set(ys).size).toBeGreaterThan(1);
  });
});

suite("durations over time", () => {
  const dots: Dot[] = [
    { id: "a", timeMs: 0, durationMs: 10, bad: false, cold: false },
    { id: "b", timeMs: 100, durationMs: 1000, bad: true, cold: false },
  ];
  const axis = axisFor(dots, 0, 100);
  test("lie on whole decades", () => {
    expect([axis.leastMs, axis.mostMs]).toEqual([10, 10_000]);
    expect(placeDot(dots[1], axis)[1]).toBeCloseTo(2 / 3);
  });
  test("are picked by the nearest pixel, and only within reach", () => {
    expect(nearest(dots, axis, 0.99, 0.66, 500, 100, 12)?.id).toBe("b");
    expect(nearest(dots, axis, 0.5, 0.5, 500, 100, 12)).toBeNull();
  });
});

test("a sparkline breaks where a value is missing", () => {
  expect(sparkline([1, null, 1], 20, 10).match(/M/g)).toHaveLength(2);
});
