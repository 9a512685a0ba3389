import { Button, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { get } from "../api";
import { asParameters, type Range } from "../range";
import type { MetricRow } from "../screens/metricWords";
import { COLUMNS, LEAST_WIDTH, widthOf, type Direction, type Fault, type Panel } from "./board";
import { dashboardsApi } from "./dashboardsApi";
import { namesOf, useGroups } from "./groups";
import { useTitle, useWatchable } from "./hooks";
import { KINDS, type Field } from "./kinds";

interface Form {
  panel: Panel;
  range: Range;
  fault: Fault | null;
  put: (fields: Partial<Panel>) => void;
  step: (direction: Direction) => void;
  remove: () => void;
  close: () => void;
}

const MOVES: [Direction, string][] = [["left", "←"], ["up", "↑"], ["down", "↓"], ["right", "→"]];

/** The fields of the chosen panel; what is changed shows at once. */
export function PanelForm({ panel, range, fault, put, step, remove, close }: Form) {
  const kind = KINDS[panel.kind];
  const title = useTitle(panel);
  const usual = useTitle({ ...panel, title: "" });
  return (
    <form className="panel-form" aria-label={`Panel: ${title}`} onSubmit={(event) => event.preventDefault()}>
      <header>
        <h2>{kind.name}</h2>
        <button type="button" className="link" onClick={close}>
          close
        </button>
      </header>
      <p className="dim">{kind.says}</p>
      {fault && !kind.fields.some((field) => field.name === fault.field) && !["title", "width"].includes(fault.field) && (
        <p className="bad" role="alert">
          {fault.said}
        </p>
      )}
      <TextInput size="xs" label="Title" placeholder={usual} maxLength={120} value={panel.title ?? ""} onChange={(event) => put({ title: event.currentTarget.value })} error={fault?.field === "title" ? fault.said : undefined} />
      {kind.fields.filter((field) => !field.only || field.only(panel)).map((field) => (
        <FieldOf key={field.name} field={field} panel={panel} range={range} put={put} error={fault?.field === field.name ? fault.said : undefined} />
      ))}
      <NativeSelect
        size="xs"
        label="Width"
        value={String(widthOf(panel))}
        onChange={(event) => put({ width: Number(event.currentTarget.value) })}
        data={Array.from({ length: COLUMNS - LEAST_WIDTH + 1 }, (_, i) => ({ value: String(i + LEAST_WIDTH), label: `${i + LEAST_WIDTH} of ${COLUMNS}` }))}
      />
      <div className="form-buttons" role="group" aria-label="Move the panel">
        {MOVES.map(([direction, arrow]) => (
          <Button key={direction} size="compact-xs" variant="default" aria-label={`Move ${direction}`} onClick={() => step(direction)}>
            {arrow}
          </Button>
        ))}
        <Button size="compact-xs" variant="default" onClick={remove}>
          Remove
        </Button>
      </div>
      <p className="dim">With the panel focused: arrows move it, Shift and arrows resize it, Delete removes it.</p>
    </form>
  );
}

interface OfField {
  field: Field;
  panel: Panel;
  range: Range;
  put: (fields: Partial<Panel>) => void;
  error?: string;
}

function FieldOf(given: OfField) {
  const { field, panel, put, error } = given;
  const value = panel[field.name];
  const label = field.required ? `${field.label} (needed)` : field.label;
  if (field.type === "service" || field.type === "watched") return <WatchedField {...given} />;
  if (field.type === "choice")
    return <NativeSelect size="xs" label={label} value={String(value ?? field.choices![0][0])} onChange={(event) => put({ [field.name]: event.currentTarget.value, ...(field.name === "group" ? { name: "" } : {}) })} data={field.choices!.map(([one, said]) => ({ value: one, label: said }))} error={error} />;
  if (field.type === "area") return <Textarea size="xs" label={label} description={field.hint} rows={4} value={String(value ?? "")} onChange={(event) => put({ [field.name]: event.currentTarget.value })} error={error} spellCheck={panel.kind === "text"} />;
  if (field.type === "number")
    return <TextInput size="xs" type="number" step="any" label={label} description={field.hint} value={value === undefined || value === null ? "" : String(value)} onChange={(event) => put({ [field.name]: event.currentTarget.value === "" ? undefined : Number(event.currentTarget.value) })} error={error} />;
  if (field.type === "text") return <TextInput size="xs" label={label} description={field.hint} value={String(value ?? "")} onChange={(event) => put({ [field.name]: event.currentTarget.value })} error={error} />;
  return <NamedField {...given} />;
}

/** The service, or one of its metrics, of what can be watched. */
function WatchedField({ field, panel, put, error }: OfField) {
  const services = useWatchable();
  const service = services.find((one) => one.id === panel.service);
  if (field.type === "service")
    return <NativeSelect size="xs" label={field.label} value={String(panel.service ?? "")} onChange={(event) => put({ service: event.currentTarget.value, metric: services.find((one) => one.id === event.currentTarget.value)?.metrics[0].id, name: "" })} data={services.map((one) => ({ value: one.id, label: one.name }))} error={error} />;
  const chosen = service?.metrics.find((one) => one.id === panel.metric);
  return <NativeSelect size="xs" label={field.label} description={chosen?.trouble} value={String(panel.metric ?? "")} onChange={(event) => put({ metric: event.currentTarget.value })} data={(service?.metrics ?? []).map((one) => ({ value: one.id, label: one.name }))} error={error} />;
}

/** A text with what there is as suggestions; a name that was not seen yet is as good. */
function NamedField({ field, panel, range, put, error }: OfField) {
  const id = useId();
  const names = useNames(field, panel, range);
  return (
    <>
      <TextInput size="xs" label={field.required ? `${field.label} (needed)` : field.label} description={field.hint} list={id} autoComplete="off" value={String(panel[field.name] ?? "")} onChange={(event) => put({ [field.name]: event.currentTarget.value })} error={error} />
      <datalist id={id}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

const MOST_SUGGESTED = 100;

function useNames(field: Field, panel: Panel, range: Range): string[] {
  const span = asParameters(range);
  const service = String(panel.service ?? "");
  const resources = useQuery({ queryKey: ["dashboard", "names", service, range.text], queryFn: ({ signal }) => dashboardsApi.names(service, span, signal), enabled: field.type === "resource" && service !== "" });
  const text = String(panel.metric ?? "");
  const metrics = useQuery({ queryKey: ["dashboard", "metrics", text], queryFn: ({ signal }) => get<{ metrics: MetricRow[] }>("/metrics", { q: text, limit: MOST_SUGGESTED }, signal), enabled: field.type === "metric" });
  const groups = useGroups(panel, range, field.type === "function");
  if (field.type === "resource") return resources.data?.names ?? [];
  if (field.type === "metric") return metrics.data?.metrics.map((one) => one.name) ?? [];
  return groups.data ? namesOf(groups.data).slice(0, MOST_SUGGESTED) : [];
}
