// Before first paint, so that a dark page never flashes white. A file of its own: the CSP allows no inline script.
(function () {
  var chosen = null;
  try { chosen = localStorage.getItem("coldtrail-theme"); } catch (e) { /* storage may be off */ }
  var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
