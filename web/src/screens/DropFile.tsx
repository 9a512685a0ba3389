import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { api, ApiError, type Dropped } from "../api";
import { plural } from "../format";

const ASK_AGAIN_MS = 300;
const MOST_WAIT_MS = 30_000;

interface Outcome {
  file: string;
  answer?: Dropped;
  error?: string;
}

/** A file dropped anywhere on the screen, or chosen, is kept like any delivery, and its trail opens. */
export function DropFile() {
  const navigate = useNavigate();
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState(false);
  const [outcomes, setOutcomes] = useState<Outcome[]>([]);
  const input = useRef<HTMLInputElement>(null);
  const take = async (files: File[]) => {
    if (!files.length) return;
    setBusy(true);
    setOutcomes([]);
    let first: string | undefined;
    for (const file of files) {
      const outcome = await send(file);
      setOutcomes((before) => [...before, outcome]);
      first ??= outcome.answer?.trace_ids[0];
    }
    if (first && (await loaded(first))) void navigate({ to: "/trail/$id", params: { id: first } });
    setBusy(false);
  };
  const latest = useRef(take);
  useEffect(() => {
    latest.current = take;
  });
  useEffect(() => listen(setOver, (files) => void latest.current(files)), []);
  return (
    <section className={over ? "drop over" : "drop"} aria-label="Drop a file">
      <p>
        <button type="button" className="link" disabled={busy} onClick={() => input.current?.click()}>
          Choose a file
        </button>{" "}
        or drop one here: an OTLP export (JSON or protobuf), X-Ray segment documents or a CloudWatch Logs payload, gzipped or not. Its trail opens.
      </p>
      <input ref={input} type="file" multiple hidden aria-label="Files to take in" onChange={(event) => void take([...(event.currentTarget.files ?? [])])} />
      <div role="status">
        {busy && !outcomes.length && <p className="dim">Taking it in …</p>}
        {outcomes.map((one) => (
          <p key={one.file} className={one.error ? "bad" : ""}>
            {one.file}: {one.error ?? told(one.answer!)}
          </p>
        ))}
        {busy && outcomes.some((one) => one.answer?.trace_ids.length) && <p className="dim">Waiting for its trail …</p>}
      </div>
    </section>
  );
}

function told(answer: Dropped): string {
  const refused = answer.refused ? `, ${plural(answer.refused, "item")} refused: ${answer.reasons[0] ?? ""}` : "";
  return `${answer.kind}, ${plural(answer.accepted, "item")} taken in${refused}`;
}

async function send(file: File): Promise<Outcome> {
  try {
    return { file: file.name, answer: await api.drop(file) };
  } catch (error) {
    return { file: file.name, error: error instanceof ApiError ? [error.message, error.detail].filter(Boolean).join(": ") : String(error) };
  }
}

/** Whether the trail can be read; what was just taken in is there within a second or two. */
async function loaded(id: string): Promise<boolean> {
  for (let waited = 0; waited < MOST_WAIT_MS; waited += ASK_AGAIN_MS) {
    if (await api.trail(id).then(() => true, () => false)) return true;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
  return false;
}

function listen(setOver: (over: boolean) => void, take: (files: File[]) => void): () => void {
  const stop = new AbortController();
  const options = { signal: stop.signal };
  const holdsFiles = (event: DragEvent) => Boolean(event.dataTransfer?.types.includes("Files"));
  window.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    setOver(true);
  }, options);
  window.addEventListener("dragleave", (event) => event.relatedTarget === null && setOver(false), options);
  window.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    setOver(false);
    take([...event.dataTransfer!.files]);
  }, options);
  return () => stop.abort();
}
