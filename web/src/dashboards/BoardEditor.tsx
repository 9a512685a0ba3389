import { useEffect, useRef, useState, type DragEvent, type KeyboardEvent, type PointerEvent } from "react";
import type { Range } from "../range";
import { asRow, COLUMNS, move, moveTo, near, remove, resize, widthOf, type Board, type Direction, type Panel, type Place } from "./board";
import { useInSight, useSettled, useTitle } from "./hooks";
import { PanelBody } from "./PanelBody";

const SETTLES_MS = 450;
const DRAGGED = "application/x-coldtrail-panel";
const ARROWS: Record<string, Direction> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

export interface Editing {
  board: Board;
  range: Range;
  chosen: Place | null;
  choose: (place: Place | null) => void;
  change: (board: Board, chosen?: Place | null) => void;
}

export function samePlace(one: Place | null, other: Place | null): boolean {
  return one !== null && other !== null && one.row === other.row && one.panel === other.panel;
}

/** The same rows and panels while they are changed: by mouse, and by keys on the chosen panel. */
export function BoardEditor(editing: Editing) {
  const { board, change } = editing;
  const [dragging, setDragging] = useState(false);
  const drop = (event: DragEvent, act: (from: Place) => { board: Board; at: Place }) => {
    const text = event.dataTransfer.getData(DRAGGED);
    setDragging(false);
    if (!text) return;
    event.preventDefault();
    event.stopPropagation();
    const { board: after, at } = act(JSON.parse(text) as Place);
    change(after, at);
  };
  return (
    <div className={dragging ? "board editing dragging" : "board editing"} onDragStart={() => setDragging(true)} onDragEnd={() => setDragging(false)}>
      {board.rows.map((row, r) => (
        <section key={r} className="board-row" aria-label={row.title || `Row ${r + 1}`}>
          <input
            className="row-title"
            aria-label={`Title of row ${r + 1}`}
            placeholder={`Title of row ${r + 1}, if any`}
            maxLength={120}
            value={row.title ?? ""}
            onChange={(event) => change({ ...board, rows: board.rows.map((one, i) => (i === r ? { ...one, title: event.target.value } : one)) })}
          />
          {row.panels.map((panel, p) => (
            <EditedPanel key={p} panel={panel} place={{ row: r, panel: p }} editing={editing} drop={drop} />
          ))}
        </section>
      ))}
      {dragging && (
        <div className="drop-row" onDragOver={(event) => event.preventDefault()} onDrop={(event) => drop(event, (from) => asRow(board, from, board.rows.length))}>
          A row of its own
        </div>
      )}
    </div>
  );
}

interface Edited {
  panel: Panel;
  place: Place;
  editing: Editing;
  drop: (event: DragEvent, act: (from: Place) => { board: Board; at: Place }) => void;
}

function EditedPanel({ panel, place, editing, drop }: Edited) {
  const { board, range, chosen, choose, change } = editing;
  const box = useRef<HTMLElement>(null);
  const seen = useInSight(box);
  const title = useTitle(panel);
  const shown = useSettled(panel, SETTLES_MS);
  const isChosen = samePlace(chosen, place);
  const [over, setOver] = useState(false);
  useEffect(() => {
    // The focus follows a panel that keys have moved.
    if (isChosen && document.activeElement?.closest(".board.editing, body") && !document.activeElement.closest("form, dialog, .row-title")) box.current?.focus({ preventScroll: false });
  }, [isChosen]);
  const takeAway = () => {
    const after = remove(board, place);
    change(after, near(after, place));
  };
  const press = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const direction = ARROWS[event.key];
    if (direction && event.shiftKey && (direction === "left" || direction === "right")) change(resize(board, place, direction === "left" ? -1 : 1), place);
    else if (direction && !event.shiftKey) {
      const moved = move(board, place, direction);
      change(moved.board, moved.at);
    } else if (event.key === "Delete") takeAway();
    else if (event.key === "Enter" || event.key === " ") choose(place);
    else return;
    event.preventDefault();
  };
  const words = `${title}: panel ${place.panel + 1} of ${board.rows[place.row].panels.length} in row ${place.row + 1}, ${widthOf(panel)} of ${COLUMNS} wide`;
  return (
    <section
      ref={box}
      tabIndex={0}
      aria-label={words}
      aria-keyshortcuts="ArrowLeft ArrowRight ArrowUp ArrowDown Shift+ArrowLeft Shift+ArrowRight Delete Enter"
      data-panel={`${place.row}.${place.panel}`}
      className={`board-panel of-${panel.kind} w${widthOf(panel)}${isChosen ? " chosen" : ""}${over ? " over" : ""}`}
      onKeyDown={press}
      onClick={() => choose(place)}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        drop(event, (from) => moveTo(board, from, place));
      }}
    >
      <h3>
        <span className="drag" draggable title="Drag to move" onDragStart={(event) => event.dataTransfer.setData(DRAGGED, JSON.stringify(place))} aria-hidden>
          ⠿
        </span>
        <span>{title}</span>
        <button type="button" className="link" aria-label={`Edit ${title}`} onClick={() => choose(place)}>
          edit
        </button>
        <button
          type="button"
          className="link"
          aria-label={`Remove ${title}`}
          onClick={(event) => {
            event.stopPropagation();
            takeAway();
          }}
        >
          remove
        </button>
      </h3>
      {/* A preview is looked at: its links would lead away from what is not saved. */}
      <div className="preview" inert>
        <PanelBody panel={shown} range={range} seen={seen} />
      </div>
      <Grip resize={(by) => change(resize(board, place, by), place)} />
    </section>
  );
}

/** The right edge: drawn with the mouse by whole twelfths. */
function Grip({ resize: by }: { resize: (by: number) => void }) {
  const latest = useRef(by);
  useEffect(() => {
    latest.current = by;
  });
  const press = (event: PointerEvent<HTMLSpanElement>) => {
    event.preventDefault();
    event.stopPropagation();
    const grip = event.currentTarget;
    const twelfth = grip.closest(".board-row")!.clientWidth / COLUMNS;
    let from = event.clientX;
    const drag = (moved: globalThis.PointerEvent) => {
      const steps = Math.round((moved.clientX - from) / twelfth);
      if (!steps) return;
      from += steps * twelfth;
      latest.current(steps);
    };
    const stop = () => {
      window.removeEventListener("pointermove", drag);
      window.removeEventListener("pointerup", stop);
    };
    window.addEventListener("pointermove", drag);
    window.addEventListener("pointerup", stop);
  };
  return <span className="grip" title="Drag to make it wider or narrower" onPointerDown={press} onClick={(event) => event.stopPropagation()} aria-hidden />;
}
