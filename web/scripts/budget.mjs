// Checks the sizes the page promised: entry JS <= 150 kB gzip, entry CSS <= 45 kB gzip. Run after `npm run build`.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const PAGE = new URL("../../src/coldtrail/server/page/", import.meta.url);
const BUDGET_BYTES = { js: 150_000, css: 45_000 };
const APP = "app";
const manifest = JSON.parse(readFileSync(new URL("manifest.json", PAGE), "utf8"));
const gzipBytes = (file) => gzipSync(readFileSync(new URL(file, PAGE)), { level: 9 }).length;

function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) closure(next, seen);
  // The entry asks its first questions, and has the page itself come at once.
  for (const next of manifest[key].dynamicImports ?? []) if (manifest[next].name === APP) closure(next, seen);
  return seen;
}

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const chunks = [...closure(entry)].map((key) => manifest[key]);
const total = {
  js: chunks.reduce((sum, chunk) => sum + gzipBytes(chunk.file), 0),
  css: [...new Set(chunks.flatMap((chunk) => chunk.css ?? []))].reduce((sum, file) => sum + gzipBytes(file), 0),
};
for (const chunk of Object.values(manifest).filter((c) => c.file.endsWith(".js")))
  console.log(`${chunk.file.padEnd(44)} ${(gzipBytes(chunk.file) / 1000).toFixed(1).padStart(7)} kB gz`);
let late = false;
for (const kind of ["js", "css"]) {
  const within = total[kind] <= BUDGET_BYTES[kind];
  late ||= !within;
  console.log(`entry ${kind}: ${(total[kind] / 1000).toFixed(1)} of ${BUDGET_BYTES[kind] / 1000} kB gz${within ? "" : "  OVER BUDGET"}`);
}
process.exit(late ? 1 : 0);
