import { describe as suite, expect, test } from "vitest";
import css from "../src/base.css?raw";
import { DARK, LIGHT, type Palette } from "../src/views/palette";

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

suite.each([
  ["light", LIGHT],
  ["dark", DARK],
] as [string, Palette][])("the %s palette", (name, colours) => {
  // axe does not see text on a canvas: this is its check (WCAG 2.2, 1.4.3 and 1.4.11).
  test.each(["text", "dim", "error", "warn", "ok", "cold", "selection"] as const)("%s is legible on every ground", (ink) => {
    for (const ground of [colours.panel, colours.ground, colours.hover, colours.selectionSoft]) expect(contrast(colours[ink], ground)).toBeGreaterThanOrEqual(4.5);
  });
  test("bars stand out from the panel", () => {
    expect(contrast(colours.bar, colours.panel)).toBeGreaterThanOrEqual(3);
  });
  test("is the one that the style sheet has", () => {
    const block = css.slice(css.indexOf(`scheme="${name}"`)).split("}")[0];
    for (const [token, value] of Object.entries(colours)) {
      if (typeof value !== "string") continue;
      expect(block).toContain(`--${token.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: ${value};`);
    }
  });
});
