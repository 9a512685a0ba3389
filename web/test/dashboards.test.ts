import { describe as suite, expect, test } from "vitest";
import { add, asRow, change, cleaned, faultOf, move, moveTo, nameFor, near, readFile, remove, resize, same, widthOf, type Board, type Panel } from "../src/dashboards/board";
import { drawPromql, nameOf, toneOf, together } from "../src/dashboards/figures";
import { blocks, inline, safeTarget } from "../src/dashboards/markdown";

const text = (name: string, width = 4): Panel => ({ kind: "text", text: name, width });
const board = (...rows: string[][]): Board => ({ title: "T", rows: rows.map((names) => ({ panels: names.map((name) => text(name)) })) });
const shape = (one: Board) => one.rows.map((row) => row.panels.map((panel) => panel.text));

suite("panels are moved", () => {
  const from = board(["a", "b"], ["c"]);
  test("past their neighbour, and into the next row at the end of one", () => {
    expect(shape(move(from, { row: 0, panel: 0 }, "right").board)).toEqual([["b", "a"], ["c"]]);
    const down = move(from, { row: 0, panel: 1 }, "right");
    expect([shape(down.board), down.at]).toEqual([[["a"], ["b", "c"]], { row: 1, panel: 0 }]);
    const up = move(from, { row: 1, panel: 0 }, "left");
    expect([shape(up.board), up.at]).toEqual([[["a", "b", "c"]], { row: 0, panel: 2 }]);
  });
  test("up and down, into a row of their own beyond the last", () => {
    const below = move(board(["a", "b"]), { row: 0, panel: 0 }, "down");
    expect([shape(below.board), below.at]).toEqual([[["b"], ["a"]], { row: 1, panel: 0 }]);
    const above = move(board(["a", "b"]), { row: 0, panel: 1 }, "up");
    expect([shape(above.board), above.at]).toEqual([[["b"], ["a"]], { row: 0, panel: 0 }]);
  });
  test("not beyond the first place or the last", () => {
    for (const direction of ["left", "up"] as const) expect(move(board(["a"], ["b"]), { row: 0, panel: 0 }, direction).board).toEqual(board(["a"], ["b"]));
    expect(move(board(["a"]), { row: 0, panel: 0 }, "down").board).toEqual(board(["a"]));
  });
  test("to where another stands, and a row that is full takes no more", () => {
    expect(shape(moveTo(from, { row: 1, panel: 0 }, { row: 0, panel: 0 }).board)).toEqual([["c", "a", "b"]]);
    const full = board(["1", "2", "3", "4", "5", "6"], ["x"]);
    expect(moveTo(full, { row: 1, panel: 0 }, { row: 0, panel: 0 })).toEqual({ board: full, at: { row: 1, panel: 0 } });
    expect(shape(asRow(from, { row: 0, panel: 0 }, 2).board)).toEqual([["b"], ["c"], ["a"]]);
  });
  test("and none is ever lost, whichever way each goes", () => {
    let all = { board: board(["a", "b", "c"], ["d"], ["e", "f"]), at: { row: 1, panel: 0 } };
    for (const direction of ["left", "up", "up", "right", "down", "down", "down", "down", "left", "left", "right", "up"] as const) {
      all = move(all.board, all.at, direction);
      expect(shape(all.board).flat().sort()).toEqual(["a", "b", "c", "d", "e", "f"]);
      expect(all.board.rows[all.at.row].panels[all.at.panel].text).toBe("d");
      expect(all.board.rows.every((row) => row.panels.length > 0)).toBe(true);
    }
  });
});

suite("a dashboard is changed", () => {
  test("a panel goes where there is room in the last row, else below", () => {
    expect(add(board(["a"]), text("b", 8)).at).toEqual({ row: 0, panel: 1 });
    expect(add(board(["a"]), text("b", 9)).at).toEqual({ row: 1, panel: 0 });
    expect(add(board(), text("b")).at).toEqual({ row: 0, panel: 0 });
  });
  test("widths stay within the page", () => {
    const at = { row: 0, panel: 0 };
    expect([-9, 1, 99].map((by) => widthOf(resize(board(["a"]), at, by).rows[0].panels[0]))).toEqual([2, 5, 12]);
  });
  test("what is removed takes its empty row along, and the nearest is chosen", () => {
    const after = remove(board(["a"], ["b", "c"]), { row: 0, panel: 0 });
    expect(shape(after)).toEqual([["b", "c"]]);
    expect([near(after, { row: 1, panel: 1 }), near(board(), { row: 0, panel: 0 })]).toEqual([{ row: 0, panel: 1 }, null]);
  });
  test("empty fields are not sent, and the order of fields is no change", () => {
    const typed = change(board(["a"]), { row: 0, panel: 0 }, { title: "", name: "x", limit: undefined });
    expect(cleaned(typed).rows[0].panels[0]).toEqual({ kind: "text", text: "a", width: 4, name: "x" });
    expect(same(board(["a"]), { rows: [{ panels: [{ width: 4, text: "a", kind: "text", title: "" }] }], title: "T", range: "" })).toBe(true);
    expect(same(board(["a"]), typed)).toBe(false);
  });
  test("names fit into links, and a taken one gets a number", () => {
    expect([nameFor("Größe & Co."), nameFor("Lambda", ["lambda", "lambda-2"]), nameFor("???"), nameFor("a".repeat(90)).length]).toEqual(["gro-e-co", "lambda-3", "dashboard", 59]);
  });
  test("a refusal is led back to its field", () => {
    expect(faultOf("$.rows[1].panels[2].width", "Expected `int` <= 12")).toMatchObject({ at: { row: 1, panel: 2 }, field: "width" });
    expect(faultOf("$.rows[0].panels[0]", "Object missing required field `metric`")).toMatchObject({ field: "metric" });
    expect(faultOf("$.rows[0].panels[0]", "query is no PromQL: unclosed")).toMatchObject({ field: "query" });
    expect(faultOf("$.title", "too long")).toMatchObject({ at: null, field: "title" });
  });
  test("a file is read only where it is a dashboard", () => {
    expect(readFile('{"kind":"dashboard","name":"a-b","spec":{"title":"A","rows":[]}}')).toEqual({ name: "a-b", spec: { title: "A", rows: [] } });
    expect(readFile('{"kind":"dashboard","name":"../x","spec":{"title":"A b","rows":[]}}')).toMatchObject({ name: "a-b" });
    for (const wrong of ["{", "null", "[]", '{"kind":"alert","spec":{}}', '{"kind":"dashboard"}']) expect(readFile(wrong)).toHaveProperty("wrong");
  });
});

suite("text panels", () => {
  test("know headings, lists, strong words, code and links", () => {
    expect(blocks("# One\ntwo **three**\n`four`\n\n- a\n- [b](/trails)")).toEqual([
      { heading: [{ text: "One" }] },
      { paragraph: [{ text: "two " }, { strong: "three" }, { text: " " }, { code: "four" }] },
      { list: [[{ text: "a" }], [{ link: "b", to: "/trails" }]] },
    ]);
  });
  test("links lead to this page or to the web alone; anything else stays text", () => {
    expect(["/trails", "https://a.example/x", "javascript:alert(1)", "//evil.example", "data:text/html,x", "JAVASCRIPT:x"].map(safeTarget)).toEqual([true, true, false, false, false, false]);
    expect(inline("[x](javascript:1) <b>y</b>")).toEqual([{ text: "[x](javascript:1) <b>y</b>" }]);
  });
});

suite("figures", () => {
  test("stand against their thresholds, whichever side is worse", () => {
    expect([0, 0.01, 0.2].map((value) => toneOf(value, 0.01, 0.05))).toEqual(["ok", "warn", "bad"]);
    expect([99, 97, 80].map((value) => toneOf(value, 98, 90))).toEqual(["ok", "warn", "bad"]);
    expect([toneOf(5, undefined, undefined), toneOf(null, 1, 2), toneOf(5, undefined, 5), toneOf(5, 5, undefined)]).toEqual(["", "", "bad", "warn"]);
  });
  test("of all together add up", () => {
    expect(together([{ count: 3, error_count: 1 }, { count: 1, error_count: 1 }])).toEqual({ count: 4, share: 0.5 });
    expect(together([])).toEqual({ count: 0, share: null });
  });
  test("lines of an expression break where it has no value", () => {
    const { times, lines } = drawPromql([{ metric: { __name__: "up", group: "function", function: "f" }, values: [[0, "1"], [20, "NaN"], [30, "3"]] }], 0, 30, 10);
    expect([times, lines[0].name, lines[0].values]).toEqual([[0, 10, 20, 30], "f", [1, null, null, 3]]);
    expect(nameOf({ __name__: "up" })).toBe("up");
  });
});
