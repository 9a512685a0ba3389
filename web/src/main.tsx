import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "./mantine.css";
import "./base.css";
import "./screens.css";
import "./views.css";
import { askEarly } from "./early";

// The questions leave before the code that shows their answers is read.
askEarly();
void import("./app");
