import { Button, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useId, useState } from "react";
import type { Names } from "./definitionsApi";
import { listOf, valueAt, withValue, type Spec } from "./draft";
import type { Field } from "./fields";

/** What is said of a field stands below it, so that the fields of a line stand in a line. */
export const ORDER: ("label" | "input" | "description" | "error")[] = ["label", "input", "description", "error"];

interface Given {
  field: Field;
  spec: Spec;
  names: Names;
  put: (spec: Spec) => void;
  /** What is wrong, and what is warned of, by the path of the field. */
  wrong: Record<string, string[]>;
  warned: Record<string, string[]>;
  /** Where the rows that this field is of stand. */
  below?: string;
}

/** One field of a definition, with what is wrong about it below. */
export function FieldOf(given: Given) {
  const { field, spec, put, wrong, warned, below } = given;
  const at = below ? `${below}.${field.path}` : field.path;
  const value = valueAt(spec, field.path);
  const set = (next: unknown) => put(withValue(spec, field.path, next));
  const error = wrong[at]?.map((one) => inWords(one, field)).join("; ");
  const warning = warned[at]?.join("; ");
  const label = field.needed ? `${field.label} (needed)` : field.label;
  const hint = warning ? <span className="warn">{warning}</span> : field.hint;
  const common = { size: "xs" as const, label, description: hint, error, inputWrapperOrder: ORDER };
  if (field.type === "rows") return <Rows {...given} />;
  if (field.type === "many") return <Many {...given} />;
  if (field.type === "flag")
    return (
      <label className="flag">
        <input type="checkbox" checked={Boolean(value ?? field.usual)} onChange={(event) => set(event.target.checked)} /> {field.label}
        {error && <span className="bad"> {error}</span>}
      </label>
    );
  if (field.type === "choice")
    return (
      <NativeSelect
        {...common}
        value={field.read ? field.read(spec) : String(value ?? field.choices![0][0])}
        onChange={(event) => put(field.write ? field.write(spec, event.currentTarget.value) : withValue(spec, field.path, event.currentTarget.value))}
        data={field.choices!.map(([one, said]) => ({ value: one, label: said }))}
      />
    );
  if (field.type === "area" || field.type === "code")
    return <Textarea {...common} rows={field.type === "code" ? 3 : 2} className={field.type} spellCheck={field.type === "area"} value={String(value ?? "")} onChange={(event) => set(event.currentTarget.value)} />;
  if (field.type === "number")
    return <TextInput {...common} type="number" step="any" placeholder={field.usual === undefined ? undefined : String(field.usual)} value={value === undefined || value === null ? "" : String(value)} onChange={(event) => set(event.currentTarget.value === "" ? undefined : Number(event.currentTarget.value))} />;
  if (field.type === "time")
    return <TextInput {...common} type="datetime-local" value={typeof value === "string" ? inUtc(value) : ""} onChange={(event) => set(event.currentTarget.value ? `${event.currentTarget.value}:00Z` : undefined)} />;
  return <Named {...given} common={common} />;
}

/** A pattern says little to who fills in a form. */
function inWords(message: string, field: Field): string {
  if (!message.includes("matching regex")) return message;
  const sample = field.placeholder ?? field.usual ?? field.hint;
  return `it cannot be written like this${sample === undefined ? "" : `; ${field.placeholder || field.usual ? "such as " : ""}${String(sample)}`}`;
}

const orNone = (list: string[]) => (list.length ? list : undefined);

const inUtc = (time: string) => (Number.isFinite(Date.parse(time)) ? new Date(time).toISOString().slice(0, 16) : "");

/** A text, or several with commas; what there is already is suggested, and what is not there yet is as good. */
function Named({ field, spec, names, put, common }: Given & { common: object }) {
  const id = useId();
  const value = valueAt(spec, field.path);
  const kept = Array.isArray(value) ? value.join(", ") : String(value ?? "");
  const [typed, setTyped] = useState<string | null>(null);
  const of = field.suggests === "of" ? String(valueAt(spec, "check.of") ?? valueAt(spec, "sli.of") ?? spec.of ?? "service") : field.suggests;
  const known = (of && names[of as keyof Names]) || [];
  const list = field.type === "list";
  // While one types a list, the comma at its end is not taken away.
  const shown = list && typed !== null && listOf(typed).join(", ") === kept ? typed : kept;
  const before = list ? shown.slice(0, shown.lastIndexOf(",") + 1) : "";
  return (
    <>
      <TextInput
        {...common}
        list={known.length ? id : undefined}
        autoComplete="off"
        placeholder={field.placeholder ?? (field.usual === undefined ? undefined : String(field.usual))}
        value={shown}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          put(withValue(spec, field.path, list ? orNone(listOf(event.currentTarget.value)) : event.currentTarget.value));
        }}
      />
      {known.length > 0 && (
        <datalist id={id}>
          {known.map((name) => (
            <option key={name} value={before ? `${before} ${name}` : name} />
          ))}
        </datalist>
      )}
    </>
  );
}

function Many({ field, spec, names, put, wrong, warned }: Given) {
  const chosen = (valueAt(spec, field.path) ?? field.usual ?? []) as string[];
  const set = (next: string[]) => put(withValue(spec, field.path, next.length || field.usual ? next : undefined));
  const known: [string, string][] = field.choices ?? (names[field.suggests!] ?? []).map((name) => [name, name]);
  // What is named and not there is shown, so that it can be taken away.
  const all = [...known, ...chosen.filter((one) => !known.some(([name]) => name === one)).map((one): [string, string] => [one, one])];
  return (
    <fieldset className="many">
      <legend>
        {field.label} {field.hint && <span className="dim">{field.hint}</span>}
      </legend>
      {all.map(([name, said]) => (
        <label key={name} className="flag">
          <input type="checkbox" checked={chosen.includes(name)} onChange={(event) => set(event.target.checked ? [...chosen, name] : chosen.filter((one) => one !== name))} /> {said}
        </label>
      ))}
      {all.length === 0 && <span className="dim">There is none yet.</span>}
      {wrong[field.path] && <p className="bad">{wrong[field.path].join("; ")}</p>}
      {warned[field.path] && <p className="warn">{warned[field.path].join("; ")}</p>}
    </fieldset>
  );
}

function Rows({ field, spec, names, put, wrong, warned }: Given) {
  const rows = (valueAt(spec, field.path) ?? []) as Spec[];
  const set = (next: Spec[]) => put(withValue(spec, field.path, next.length ? next : undefined));
  return (
    <fieldset className="rows">
      <legend>{field.label}</legend>
      {rows.map((row, at) => (
        <div key={at} className="row" role="group" aria-label={`${field.label}, ${at + 1}`}>
          {field.rows!.map((one) => (
            <FieldOf key={one.path} field={one} spec={row} names={names} put={(next) => set(rows.map((each, i) => (i === at ? next : each)))} wrong={wrong} warned={warned} below={`${field.path}.${at}`} />
          ))}
          <Button size="compact-xs" variant="default" onClick={() => set(rows.filter((_, i) => i !== at))} aria-label={`Remove ${field.label}, ${at + 1}`}>
            Remove
          </Button>
        </div>
      ))}
      <Button size="compact-xs" variant="default" onClick={() => set([...rows, { ...field.row }])}>
        Add
      </Button>
      {wrong[field.path] && <p className="bad">{wrong[field.path].join("; ")}</p>}
      {warned[field.path] && <p className="warn">{warned[field.path].join("; ")}</p>}
    </fieldset>
  );
}
