import { MantineProvider, createTheme } from "@mantine/core";
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { DARK, LIGHT, type Palette } from "../views/palette";

const KEY = "coldtrail-theme";

const theme = createTheme({
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  fontFamilyMonospace: '"JetBrains Mono Variable", ui-monospace, monospace',
  primaryColor: "violet",
  defaultRadius: "sm",
  respectReducedMotion: true,
});

interface Scheme {
  colours: Palette;
  dark: boolean;
  toggle: () => void;
}

const SchemeContext = createContext<Scheme>({ colours: LIGHT, dark: false, toggle: () => undefined });

export function useScheme(): Scheme {
  return useContext(SchemeContext);
}

function isDark(): boolean {
  return document.documentElement.getAttribute("data-mantine-color-scheme") === "dark";
}

export function Theme({ children }: { children: ReactNode }) {
  const [dark, setDark] = useState(isDark);
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => localStorage.getItem(KEY) === null && setDark(system.matches);
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, []);
  const toggle = useCallback(() => {
    setDark((was) => {
      localStorage.setItem(KEY, was ? "light" : "dark");
      return !was;
    });
  }, []);
  const scheme = useMemo(() => ({ dark, toggle, colours: dark ? DARK : LIGHT }), [dark, toggle]);
  // Mantine's variables come from a static sheet, not from an injected <style>: the CSP forbids that.
  return (
    <MantineProvider theme={theme} forceColorScheme={dark ? "dark" : "light"} withCssVariables={false} withGlobalClasses={false}>
      <SchemeContext value={scheme}>{children}</SchemeContext>
    </MantineProvider>
  );
}
