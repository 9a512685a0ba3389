/** The colours that canvas and charts draw with; equal to the tokens in `base.css` (a test holds them together). */

export interface Palette {
  dark: boolean;
  ground: string;
  panel: string;
  line: string;
  text: string;
  dim: string;
  bar: string;
  barSoft: string;
  error: string;
  warn: string;
  ok: string;
  cold: string;
  selection: string;
  selectionSoft: string;
  hover: string;
}

export const LIGHT: Palette = {
  dark: false,
  ground: "#f7f7f5",
  panel: "#ffffff",
  line: "#e3e3df",
  text: "#1d1f22",
  dim: "#5d636b",
  bar: "#8b96a3",
  barSoft: "#c9cfd6",
  error: "#c4292c",
  warn: "#9a5b00",
  ok: "#23763a",
  cold: "#1565b8",
  selection: "#6741d9",
  selectionSoft: "#efeafc",
  hover: "#f3f3f0",
};

export const DARK: Palette = {
  dark: true,
  ground: "#101214",
  panel: "#16191c",
  line: "#2a2e33",
  text: "#e7e9ec",
  dim: "#9aa2ab",
  bar: "#66717e",
  barSoft: "#3b434c",
  error: "#ff7b78",
  warn: "#f0b04f",
  ok: "#6fcf87",
  cold: "#5ab0f7",
  selection: "#a58bff",
  selectionSoft: "#272140",
  hover: "#1d2125",
};
