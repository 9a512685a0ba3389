import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "./mantine.css";
import "./base.css";
import "./screens.css";
import "./views.css";
import { askEarly } from "./early";

// The questions leave before the code that shows their answers is read, and before the document is.
askEarly();
if (document.readyState === "loading") {
  await new Promise((parsed) => document.addEventListener("DOMContentLoaded", parsed, { once: true }));
}
void import("./app");
