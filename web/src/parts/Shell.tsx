import { ActionIcon, Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useRef, useState } from "react";
import { api } from "../api";
import { ago } from "../format";
import { useActive } from "../investigating";
import { pinned } from "../range";
import { HELP, useControlK, useKeys } from "./keys";
import { LiveProvider, useLive } from "./live";
import { RangeControl, RangeProvider, useRange } from "./range";
import { useCopied } from "./small";
import { useScheme } from "./theme";

const CommandPalette = lazy(() => import("./CommandPalette"));
const FindOverlay = lazy(() => import("./FindOverlay"));
const InvestigationBar = lazy(() => import("./InvestigationBar"));

const SCREENS = [
  ["/overview", "Overview", "o"],
  ["/dashboards", "Dashboards", "h"],
  ["/findings", "Findings", "n"],
  ["/alerts", "Alerts", "a"],
  ["/investigations", "Investigations", "v"],
  ["/objectives", "Objectives", "p"],
  ["/workflows", "Workflows", "w"],
  ["/map", "Map", "m"],
  ["/trails", "Trails", "t"],
  ["/event-sources", "Event sources", "e"],
  ["/metrics", "Metrics", "x"],
  ["/cold-starts", "Cold starts", "s"],
  ["/limits", "Limits", "i"],
  ["/costs", "Costs", "b"],
  ["/deployments", "Deployments", "d"],
  ["/find", "Find", "f"],
  ["/connect", "Connect", "c"],
] as const;

export function Shell() {
  return (
    <LiveProvider>
      <RangeProvider>
        <Frame />
      </RangeProvider>
    </LiveProvider>
  );
}

function Frame() {
  const [finding, setFinding] = useState(false);
  const [going, setGoing] = useState(false);
  useControlK(() => setGoing(true));
  const ranges = useRef<HTMLDivElement>(null);
  const help = useRef<HTMLDialogElement>(null);
  const live = useLive();
  const active = useActive();
  const navigate = useNavigate();
  const [copied, copyLink] = useCopyLink();
  useKeys({
    "/": () => setFinding(true),
    t: () => ranges.current?.showPopover(),
    l: live.toggle,
    y: copyLink,
    "?": () => help.current?.showModal(),
    "g o": () => void navigate({ to: "/overview" }),
    "g h": () => void navigate({ to: "/dashboards" }),
    "g n": () => void navigate({ to: "/findings" }),
    "g a": () => void navigate({ to: "/alerts" }),
    "g v": () => void navigate({ to: "/investigations" }),
    "g p": () => void navigate({ to: "/objectives" }),
    "g m": () => void navigate({ to: "/map" }),
    "g t": () => void navigate({ to: "/trails" }),
    "g e": () => void navigate({ to: "/event-sources" }),
    "g x": () => void navigate({ to: "/metrics" }),
    "g s": () => void navigate({ to: "/cold-starts" }),
    "g i": () => void navigate({ to: "/limits" }),
    "g b": () => void navigate({ to: "/costs" }),
    "g d": () => void navigate({ to: "/deployments" }),
    "g f": () => void navigate({ to: "/find" }),
    "g c": () => void navigate({ to: "/connect" }),
  });
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Nav />
      <header className="bar">
        <button type="button" className="find-button" onClick={() => setFinding(true)}>
          <span>Find any id or value</span>
          <kbd>/</kbd>
        </button>
        <span className="grow" />
        <Fresh />
        <LiveButton />
        <RangeControl menu={ranges} />
        <Button variant="default" size="xs" className="copy-link" onClick={copyLink} title="Copy a link with fixed times (y)">
          {copied ? "Copied" : "Copy link"}
        </Button>
        <ThemeButton />
        <ActionIcon variant="default" size={30} aria-label="Keys" title="Keys (?)" onClick={() => help.current?.showModal()}>
          ?
        </ActionIcon>
      </header>
      <main id="main" tabIndex={-1}>
        {active && (
          <Suspense>
            <InvestigationBar key={active.id} active={active} />
          </Suspense>
        )}
        <Outlet />
      </main>
      <Help dialog={help} />
      {finding && (
        <Suspense>
          <FindOverlay close={() => setFinding(false)} />
        </Suspense>
      )}
      {going && (
        <Suspense>
          <CommandPalette close={() => setGoing(false)} />
        </Suspense>
      )}
      <div className="hidden" role="status">
        {copied ? "Link copied" : ""}
      </div>
    </div>
  );
}

function useCopyLink(): [boolean, () => void] {
  const range = useRange();
  const [copied, copy] = useCopied();
  const copyLink = () => {
    const url = new URL(location.href);
    url.searchParams.delete("live");
    url.searchParams.delete("t");
    const rest = url.searchParams.toString();
    copy(`${url.origin}${url.pathname}?t=${pinned(range)}${rest ? `&${rest}` : ""}`);
  };
  return [copied !== null, copyLink];
}

function Nav() {
  return (
    <nav aria-label="Screens">
      <Link to="/overview" className="brand" aria-label="coldtrail, overview">
        <img src="/favicon.svg" alt="" width={22} height={22} />
        <span>coldtrail</span>
      </Link>
      {SCREENS.map(([to, name, key]) => (
        <Link key={to} to={to} title={`${name} (g ${key})`} activeProps={{ "aria-current": "page" }}>
          <Icon name={to} />
          <span>{name}</span>
        </Link>
      ))}
      <Version />
    </nav>
  );
}

const ICONS: Record<string, string> = {
  "/overview": "M2 13V8M6 13V3M10 13V6M14 13V9.5",
  "/dashboards": "M2 2.5h5v4H2zM9 2.5h5v7H9zM2 9h5v4.5H2zM9 12h5v1.5H9z",
  "/objectives": "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 11A3 3 0 1 0 8 5a3 3 0 0 0 0 6zM8 8v.1",
  "/investigations": "M6.5 11a4.5 4.5 0 1 0 0-9a4.5 4.5 0 0 0 0 9zM9.8 9.8L14 14M4.5 6.5h4M6.5 4.5v4",
  "/alerts": "M4 11V7a4 4 0 0 1 8 0V11L13 12.5H3zM6.5 14.5H9.5",
  "/findings": "M8 2L14.5 13.5H1.5zM8 6.5V9.5M8 11.5V11.6",
  "/workflows": "M2 8h3M6.5 8h3M11 8h3M2 5.5v5M14 5.5v5M4 4l1.5-1.5L7 4",
  "/map": "M2 3h4v3H2zM10 2h4v3h-4zM10 11h4v3h-4zM6 4.5l4-1M6 5.5l4 6",
  "/trails": "M2 4h6M6 8h6M4 12h3M9.5 12H14",
  "/event-sources": "M2 4.5h4M2 8h4M2 11.5h4M9 8h5M11.5 5.5L14 8l-2.5 2.5",
  "/metrics": "M2 13.5h12M2.5 10.5l3-4 3 2.5 5-6.5",
  "/cold-starts": "M8 1.5v13M2.4 4.75l11.2 6.5M13.6 4.75L2.4 11.25",
  "/limits": "M2.5 12a6 6 0 1 1 11 0M8 9.5L11 6M2 14h12",
  "/costs": "M8 1.5v13M11.5 4.5C10.5 3 5 2.7 5 5.5S11.5 7.5 11.5 10.5S5.5 13.2 4.3 11.3",
  "/deployments": "M8 10V2M5 5l3-3l3 3M2.5 10v3.5h11V10",
  "/find": "M7 12a5 5 0 1 0 0-10a5 5 0 0 0 0 10zM10.8 10.8L14 14",
  "/connect": "M8 14V9M5 9h6V6a3 3 0 0 0-6 0zM6 3V1.5M10 3V1.5",
};

function Icon({ name }: { name: string }) {
  return (
    <svg width={16} height={16} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth={1.5} strokeLinecap="round" strokeLinejoin="round" aria-hidden>
      <path d={ICONS[name]} />
    </svg>
  );
}

function Version() {
  const health = useQuery({ queryKey: ["health"], queryFn: ({ signal }) => api.health(signal), refetchInterval: 15_000 });
  const down = health.isError;
  const text = down ? "not answering" : health.data ? health.data.version : "";
  return <div className={down ? "version bad" : "version"}>{text}</div>;
}

function ThemeButton() {
  const { dark, toggle } = useScheme();
  const next = dark ? "Light" : "Dark";
  return (
    <ActionIcon variant="default" size={30} onClick={toggle} aria-label={`${next} theme`} title={`${next} theme`}>
      <svg width={14} height={14} viewBox="0 0 14 14" aria-hidden>
        <circle cx={7} cy={7} r={5.5} fill="none" stroke="currentColor" strokeWidth={1.4} />
        <path d="M7 1.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" />
      </svg>
    </ActionIcon>
  );
}

function LiveButton() {
  const live = useLive();
  return (
    <Button variant="default" size="xs" aria-pressed={live.on} onClick={live.toggle} title="Follow new data as it is loaded (l)" className={live.on ? "live on" : "live"}>
      <span className={live.connected ? "dot beating" : "dot"} key={live.beat} />
      <span className="live-word">{live.on && !live.connected ? "Connecting" : "Live"}</span>
    </Button>
  );
}

// Firehose buffers for about a minute: younger data is not worth a word.
const STALE_MS = 60_000;

/** How old the newest data is; says so only where it matters. */
function Fresh() {
  const range = useRange();
  const on = useRouterState({ select: (state) => /^\/(overview|trails|function)/.test(state.location.pathname) });
  const services = useQuery({ queryKey: ["services"], queryFn: ({ signal }) => api.services(signal), refetchInterval: 15_000, enabled: on && range.relative });
  const newest = Math.max(0, ...(services.data?.services ?? []).map((service) => Date.parse(service.last_seen) || 0));
  // A relative range ends now, and moves on by itself.
  const age = range.untilMs - newest;
  if (!on || !range.relative || !newest || age < STALE_MS) return null;
  return (
    <span className="fresh" title="Firehose deliveries are normally up to 60 s old">
      newest data {ago(newest, range.untilMs)}
    </span>
  );
}

function Help({ dialog }: { dialog: React.RefObject<HTMLDialogElement | null> }) {
  return (
    <dialog ref={dialog} className="help" aria-labelledby="help-title" onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <h2 id="help-title">Keys</h2>
      <dl>
        {HELP.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(" ").map((part) => (
                <kbd key={part}>{part}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <Button size="xs" variant="default" type="submit">
          Close
        </Button>
      </form>
    </dialog>
  );
}
