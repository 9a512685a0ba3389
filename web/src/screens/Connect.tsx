import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, type Health, type Received } from "../api";
import { ago, bytes, clock, count, plural, words } from "../format";
import { Answer } from "../parts/Answer";
import { CopyBlock } from "../parts/small";
import { DropFile } from "./DropFile";

const TICK_MS = 1000;

interface Places {
  http: string | null;
  grpc: string | null;
  xray: string | null;
}

/** Where the receivers really listen; the defaults until the server has said so. */
function places(health: Health | undefined): Places {
  const said = health?.listeners;
  const host = location.hostname || "127.0.0.1";
  const at = (name: "otlp_http" | "otlp_grpc" | "xray", port: number) => {
    const value = said?.[name];
    if (value === null) return null;
    return value ? value.replace(/^(0\.0\.0\.0|\[?::\]?):/, `${host}:`) : `${host}:${port}`;
  };
  return { http: at("otlp_http", 4318), grpc: at("otlp_grpc", 4317), xray: at("xray", 2000) };
}

export default function Connect() {
  const health = useQuery({ queryKey: ["health"], queryFn: ({ signal }) => api.health(signal), refetchInterval: 5000 });
  const received = useQuery({ queryKey: ["received"], queryFn: ({ signal }) => api.received(signal), refetchInterval: TICK_MS });
  const where = places(health.data);
  return (
    <div className="screen connect">
      <h1>Connect</h1>
      <Tick received={received.data} />
      <DropFile />
      <div className="doors">
       <div>
        <Door title="OpenTelemetry" received={received.data} protocols={["otlp"]} off={where.http === null}>
          <p>Any OpenTelemetry SDK or collector. Two lines in the environment of your process:</p>
          <CopyBlock label="environment for OTLP over HTTP" text={`export OTEL_EXPORTER_OTLP_ENDPOINT=http://${where.http}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`} />
          {where.grpc && (
            <>
              <p>Or over gRPC:</p>
              <CopyBlock label="environment for OTLP over gRPC" text={`export OTEL_EXPORTER_OTLP_ENDPOINT=http://${where.grpc}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=grpc`} />
            </>
          )}
        </Door>
        <Door title="AWS X-Ray" received={received.data} protocols={["xray", "x-ray"]} off={where.xray === null}>
          <p>Instead of the X-Ray daemon, for the SDK and for Powertools&apos; tracer:</p>
          <CopyBlock label="environment for X-Ray" text={`export AWS_XRAY_DAEMON_ADDRESS=${where.xray}`} />
          <p>Or for boto3&apos;s calls:</p>
          <CopyBlock label="boto3 X-Ray client" text={`boto3.client("xray", endpoint_url="http://${where.xray}")`} />
        </Door>
       </div>
       <div>
        <Door title="CloudWatch Logs" received={received.data} protocols={["firehose", "aws", "cloudwatch", "logs"]} off={where.http === null}>
          <p>Lambda functions without any instrumentation: a subscription through Firehose to an HTTP endpoint that reaches this machine.</p>
          <CopyBlock label="Firehose endpoint address" text={`https://YOUR-TUNNEL/aws/firehose  ->  http://${where.http}/aws/firehose`} />
          <CopyBlock
            label="subscription filter command"
            text={`aws logs put-subscription-filter \\\n  --log-group-name /aws/lambda/FUNCTION \\\n  --filter-name coldtrail --filter-pattern "" \\\n  --destination-arn arn:aws:firehose:REGION:ACCOUNT:deliverystream/coldtrail \\\n  --role-arn arn:aws:iam::ACCOUNT:role/logs-to-firehose`}
          />
          <p>A raw subscription payload can be posted as it is:</p>
          <CopyBlock label="raw subscription command" text={`curl --data-binary @payload.gz http://${where.http}/aws/logs`} />
        </Door>
        <Door title="The demo" received={undefined} protocols={[]} off={false}>
          <p>A small serverless system of real parts, running on this machine, with a fault to find:</p>
          <CopyBlock label="demo command" text="coldtrail demo" />
          <p className="dim">{health.data?.data_dir ? `Everything is kept in ${health.data.data_dir}; nothing leaves this machine but the alerts that you send somewhere.` : "Nothing leaves this machine but the alerts that you send somewhere."}</p>
        </Door>
       </div>
      </div>
      <section aria-labelledby="doorways">
        <h2 id="doorways">What came in</h2>
        <Answer query={received} what="what came in" rows={3}>
          {(data) => <Protocols received={data} />}
        </Answer>
      </section>
      <Kept health={health} />
    </div>
  );
}

function Tick({ received }: { received?: Received }) {
  const any = Boolean(received && received.spans + received.logs + received.metrics > 0);
  const newest = useQuery({
    queryKey: ["newest", any],
    queryFn: ({ signal }) => api.trails({}, { since: new Date(Date.now() - 86_400_000).toISOString(), until: new Date(Date.now() + 60_000).toISOString() }, null, 1, signal),
    enabled: any,
    refetchInterval: 3000,
  });
  const first = newest.data?.trails[0];
  return (
    <p className={any ? "arrivals on" : "arrivals"} role="status">
      <span className="dot" aria-hidden />
      {any ? (
        <>
          <span>
            Received <b>{plural(received!.spans, "span")}</b>, {plural(received!.logs, "log line")} and {plural(received!.metrics, "metric point")}.
          </span>
          {first && (
            <Link to="/trail/$id" params={{ id: first.trail_id }}>
              See the newest trail
            </Link>
          )}
        </>
      ) : (
        <span>Waiting for the first span or log line; this light turns green when it arrives.</span>
      )}
    </p>
  );
}

function Door({ title, received, protocols, off, children }: { title: string; received?: Received; protocols: string[]; off: boolean; children: React.ReactNode }) {
  const mine = received?.protocols.filter((one) => protocols.some((name) => one.protocol.toLowerCase().startsWith(name))) ?? [];
  const items = mine.reduce((sum, one) => sum + one.accepted_items, 0);
  return (
    <section className="door" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {protocols.length > 0 && <span className={items ? "got on" : "got"}>{off ? "switched off" : items ? `received ${count(items)}` : "nothing yet"}</span>}
      </header>
      {off ? <p className="dim">Its listener is switched off (port 0).</p> : children}
    </section>
  );
}

function Protocols({ received }: { received: Received }) {
  if (!received.protocols.length) return <p className="dim">Nothing since this server started.</p>;
  return (
    <div className="table-box">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Protocol</th>
            <th scope="col" className="n">Accepted</th>
            <th scope="col" className="n">Refused items</th>
            <th scope="col" className="n">Refused requests</th>
            <th scope="col" className="n">Last</th>
            <th scope="col">Last reason to refuse</th>
          </tr>
        </thead>
        <tbody>
          {received.protocols.map((one) => (
            <tr key={one.protocol}>
              <th scope="row">{words(one.protocol)}</th>
              <td className="n">{count(one.accepted_items)}</td>
              <td className={one.refused_items ? "n warn" : "n dim"}>{count(one.refused_items)}</td>
              <td className={one.refused_requests ? "n warn" : "n dim"}>{count(one.refused_requests)}</td>
              <td className="n">{one.last_received ? ago(one.last_received) : "–"}</td>
              <td className="reason">{one.last_reason ?? ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Kept({ health }: { health: { data?: Health } }) {
  const quarantine = useQuery({ queryKey: ["quarantine"], queryFn: ({ signal }) => api.quarantine(signal), refetchInterval: 10_000 });
  return (
    <section aria-labelledby="health">
      <h2 id="health">Health</h2>
      <p className="dim">
        {health.data
          ? `Status ${health.data.status}; ${bytes(health.data.wal?.pending_bytes ?? 0)} acknowledged and waiting to be loaded; ${plural(health.data.wal?.quarantined ?? 0, "body", "bodies")} in quarantine.`
          : "Asking the server …"}
      </p>
      <Answer query={quarantine} what="the quarantine" rows={1}>
        {(data) =>
          data.segments.length === 0 ? null : (
            <div className="table-box">
              <table className="table">
                <caption>Quarantine: what the engine refused; the rest was loaded</caption>
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">Signal</th>
                    <th scope="col" className="n">Size</th>
                    <th scope="col" className="n">Time</th>
                    <th scope="col">Reason</th>
                  </tr>
                </thead>
                <tbody>
                  {data.segments.map((one) => (
                    <tr key={one.name}>
                      <th scope="row" className="mono">{one.name}</th>
                      <td>{one.signal}</td>
                      <td className="n">{bytes(one.bytes)}</td>
                      <td className="n">{clock(one.time)}</td>
                      <td className="reason">{one.reason}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Answer>
    </section>
  );
}
