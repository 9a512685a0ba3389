import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The built page is part of the Python package; `coldtrail up` serves it from there.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/coldtrail/server/page",
    emptyOutDir: true,
    target: "es2022",
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // A browser fetches six files at a time from one origin: what is always loaded comes in few. Each takes along what it imports.
        codeSplitting: {
          groups: [
            { name: "early", test: /[\\/]src[\\/]early\.ts$|vite[\\/]preload-helper/, priority: 2 },
            { name: "app", test: /[\\/]src[\\/]app\.tsx$/, priority: 1 },
            { name: "overview", test: /[\\/]src[\\/]screens[\\/]Overview\.tsx$/ },
          ],
        },
      },
    },
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": process.env.COLDTRAIL_API ?? "http://127.0.0.1:4319" },
  },
  test: { include: ["test/**/*.test.ts"], environment: "node", css: true },
});
