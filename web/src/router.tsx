import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, redirect, retainSearchParams } from "@tanstack/react-router";
import { Empty, Loading } from "./parts/Answer";
import { Shell } from "./parts/Shell";
import { parseSearch, stringifySearch, type Search } from "./search";

const root = createRootRoute({
  component: Shell,
  validateSearch: (search: Record<string, unknown>): Search => search as Search,
  search: { middlewares: [retainSearchParams(["t", "live"])] },
  notFoundComponent: () => (
    <Empty title="There is no such screen">
      <Link to="/overview">Go to the overview</Link>
    </Empty>
  ),
});

const screen = <T extends string>(path: T, load: () => Promise<{ default: React.ComponentType }>) =>
  createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load) });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/overview", replace: true });
  },
});

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    screen("/overview", () => import("./screens/Overview")),
    screen("/map", () => import("./screens/Map")),
    screen("/cold-starts", () => import("./screens/ColdStarts")),
    screen("/dashboards", () => import("./screens/Dashboards")),
    screen("/dashboards/$name", () => import("./screens/Dashboard")),
    screen("/trails", () => import("./screens/Trails")),
    screen("/trail/$id", () => import("./screens/Trail")),
    screen("/function/$name", () => import("./screens/Function")),
    screen("/resource/$name", () => import("./screens/Resource")),
    screen("/alerts", () => import("./screens/Alerts")),
    screen("/alerts/$name", () => import("./screens/Alert")),
    screen("/define/$kind", () => import("./screens/Define")),
    screen("/define/$kind/$name", () => import("./screens/Define")),
    screen("/objectives", () => import("./screens/Objectives")),
    screen("/objectives/$name", () => import("./screens/Objective")),
    screen("/findings", () => import("./screens/Findings")),
    screen("/finding/$id", () => import("./screens/Finding")),
    screen("/investigations", () => import("./screens/Investigations")),
    screen("/investigations/$id", () => import("./screens/Investigation")),
    screen("/about/$value", () => import("./screens/About")),
    screen("/workflows", () => import("./screens/Workflows")),
    screen("/workflows/$name", () => import("./screens/Workflow")),
    screen("/event-sources", () => import("./screens/EventSources")),
    screen("/event-sources/$kind/$name", () => import("./screens/EventSource")),
    screen("/metrics", () => import("./screens/Metrics")),
    screen("/limits", () => import("./screens/Limits")),
    screen("/costs", () => import("./screens/Costs")),
    screen("/deployments", () => import("./screens/Deployments")),
    screen("/find", () => import("./screens/Find")),
    screen("/connect", () => import("./screens/Connect")),
  ]),
  parseSearch: parseSearch as (text: string) => Record<string, unknown>,
  stringifySearch,
  defaultPreload: "intent",
  defaultPendingComponent: () => <Loading what="the screen" />,
  scrollRestoration: true,
  scrollToTopSelectors: ["#main"],
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
