import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { cleaned, readFile, type Board } from "../dashboards/board";
import { dashboardsApi, type DashboardRow } from "../dashboards/dashboardsApi";
import { SaveAs } from "../dashboards/SaveAs";
import { ago, full, plural } from "../format";
import { Answer } from "../parts/Answer";
import { useRowKeys } from "../parts/rowKeys";
import "./dashboards.css";

interface Making {
  what: string;
  yes: string;
  board: Board;
  name?: string;
  source?: string;
}

const EMPTY: Board = { title: "", rows: [] };

/** Every dashboard: people's own, and the ones that come with coldtrail. */
export default function DashboardsScreen() {
  const box = useRef<HTMLDivElement>(null);
  const file = useRef<HTMLInputElement>(null);
  useRowKeys(box);
  const navigate = useNavigate();
  const client = useQueryClient();
  const [making, setMaking] = useState<Making | null>(null);
  const [wrong, setWrong] = useState("");
  const query = useQuery({ queryKey: ["dashboards"], queryFn: ({ signal }) => dashboardsApi.list(signal) });
  const open = async (chosen: File | undefined) => {
    if (!chosen) return;
    const read = readFile(await chosen.text());
    setWrong("wrong" in read ? `${chosen.name} was not imported. ${read.wrong}` : "");
    if (!("wrong" in read)) setMaking({ what: "Import a dashboard", yes: "Import", board: cleaned(read.spec), name: read.name, source: chosen.name });
  };
  const done = (name: string) => {
    const empty = making?.board === EMPTY;
    setMaking(null);
    void client.invalidateQueries({ queryKey: ["dashboards"] });
    void navigate({ to: "/dashboards/$name", params: { name }, search: { tab: empty ? "edit" : undefined } });
  };
  return (
    <div className="screen" ref={box}>
      <header className="function-head dashboard-head">
        <h1>Dashboards</h1>
        <span className="dim grow">composed of panels, kept here, shared as files</span>
        <Button size="xs" variant="default" onClick={() => setMaking({ what: "New dashboard", yes: "Create", board: EMPTY })}>
          New
        </Button>
        <Button size="xs" variant="default" onClick={() => file.current?.click()}>
          Import
        </Button>
        <input
          ref={file}
          type="file"
          accept=".json,application/json"
          className="hidden"
          tabIndex={-1}
          aria-label="Import a dashboard from a file"
          onChange={(event) => {
            void open(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
      </header>
      {wrong && (
        <p className="failed brief" role="alert">
          {wrong}
        </p>
      )}
      <Answer query={query} what="the dashboards" rows={6}>
        {(data) => <Table rows={data.dashboards} />}
      </Answer>
      {making && <SaveAs {...making} done={done} close={() => setMaking(null)} />}
    </div>
  );
}

function Table({ rows }: { rows: DashboardRow[] }) {
  return (
    <div className="table-box">
      <table className="table dashboards-table">
        <thead>
          <tr>
            <th scope="col">Dashboard</th>
            <th scope="col">What it shows</th>
            <th scope="col" className="n">Panels</th>
            <th scope="col">From</th>
            <th scope="col" className="n">Changed</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => (
            <tr key={one.name}>
              <th scope="row">
                <Link to="/dashboards/$name" params={{ name: one.name }}>
                  {one.title}
                </Link>
              </th>
              <td className="reason">{one.description}</td>
              <td className="n">{one.panel_count}</td>
              <td>{one.starter ? <span className="chip">starter set</span> : <span className="dim" title={one.source}>{one.by}</span>}</td>
              <td className="n" title={one.changed ? full(one.changed) : undefined}>{one.changed ? ago(one.changed) : ""}</td>
            </tr>
          ))}
        </tbody>
        <caption className="hidden">{plural(rows.length, "dashboard")}</caption>
      </table>
    </div>
  );
}
