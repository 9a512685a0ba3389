import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { Board } from "../dashboards/Board";
import { dashboardsApi, type DashboardAnswer } from "../dashboards/dashboardsApi";
import { useSteadyRange } from "../dashboards/hooks";
import { Answer, Empty, Loading } from "../parts/Answer";
import { Dialog } from "../parts/Dialog";
import { useCopied } from "../parts/small";
import "./dashboards.css";

const Editor = lazy(() => import("../dashboards/Editor"));

/** One dashboard, looked at or edited. */
export default function DashboardScreen() {
  const { name } = useParams({ strict: false }) as { name: string };
  const { tab } = useSearch({ strict: false });
  const query = useQuery({ queryKey: ["dashboard", "one", name], queryFn: ({ signal }) => dashboardsApi.one(name, signal), staleTime: 60_000 });
  return (
    <div className="screen dashboard">
      <Answer query={query} what="the dashboard" rows={8}>
        {(answer) =>
          tab === "edit" ? (
            <Suspense fallback={<Loading what="the editor" />}>
              <Editor key={`${answer.name} ${answer.changed}`} answer={answer} />
            </Suspense>
          ) : (
            <Whole key={answer.name} answer={answer} />
          )
        }
      </Answer>
    </div>
  );
}

/** A dashboard's own range, where the link says none. */
function useOwnRange(range: string | undefined) {
  const { t } = useSearch({ strict: false });
  const navigate = useNavigate();
  useEffect(() => {
    if (range && !t) void navigate({ to: ".", search: (before: object) => ({ ...before, t: range }), replace: true });
  }, [range, t, navigate]);
}

function Whole({ answer }: { answer: DashboardAnswer }) {
  const range = useSteadyRange();
  useOwnRange(answer.spec.range);
  const [copied, copy] = useCopied();
  const [leaving, setLeaving] = useState(false);
  const edit = { to: "/dashboards/$name", params: { name: answer.name }, search: { tab: "edit" } } as const;
  return (
    <>
      <header className="function-head dashboard-head">
        <h1>{answer.title}</h1>
        {answer.starter && <span className="chip">starter set</span>}
        <span className="dim grow">{answer.description}</span>
        <Link {...edit} className="button">
          Edit
        </Link>
        <a className="button" href={dashboardsApi.file(answer.name)} download={`${answer.name}.json`}>
          Export
        </a>
        <Button size="xs" variant="default" onClick={() => copy(location.href)} title="Copy a link to this dashboard and its time range">
          {copied ? "Link copied" : "Share"}
        </Button>
        {!answer.starter && (
          <Button size="xs" variant="default" onClick={() => setLeaving(true)}>
            Delete
          </Button>
        )}
      </header>
      {answer.spec.rows.length ? (
        <Board board={answer.spec} range={range} />
      ) : (
        <Empty title="There is no panel on it yet">
          <Link {...edit}>Add the first</Link>.
        </Empty>
      )}
      {leaving && <Delete answer={answer} close={() => setLeaving(false)} />}
    </>
  );
}

function Delete({ answer, close }: { answer: DashboardAnswer; close: () => void }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [wrong, setWrong] = useState("");
  const act = () =>
    void dashboardsApi.remove(answer.name).then(
      () => {
        client.removeQueries({ queryKey: ["dashboard", "one", answer.name] });
        void client.invalidateQueries({ queryKey: ["dashboards"] });
        void navigate({ to: "/dashboards" });
      },
      (error: unknown) => setWrong(String(error)),
    );
  return (
    <Dialog title={`Delete "${answer.title}"?`} yes="Delete" act={act} close={close}>
      <p>{answer.replaces_starter ? "The one of the same name that comes with coldtrail stands in its place again." : "It is gone for everybody; an exported file brings it back."}</p>
      {wrong && (
        <p className="bad" role="alert">
          {wrong}
        </p>
      )}
    </Dialog>
  );
}
