/** A sparkline as the `d` of one SVG path, in a box of the given size. Null breaks the line. Pure. */
export function sparkline(values: (number | null)[], width: number, height: number, top?: number): string {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (!known.length) return "";
  const peak = top ?? Math.max(...known);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  let path = "";
  let drawing = false;
  values.forEach((value, i) => {
    if (value === null || !Number.isFinite(value)) {
      drawing = false;
      return;
    }
    const y = height - 1 - (peak > 0 ? Math.min(value / peak, 1) : 0) * (height - 2);
    path += `${drawing ? "L" : "M"}${(i * step).toFixed(1)} ${y.toFixed(1)}`;
    drawing = true;
  });
  return path;
}

/** The filled area below a sparkline without gaps. */
export function sparkArea(values: number[], width: number, height: number, top?: number): string {
  const line = sparkline(values, width, height, top);
  return line && `${line}L${width} ${height}L0 ${height}Z`;
}
