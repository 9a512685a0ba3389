"""How much a view draws: a count, because how long it takes is the machine's (`python -m bench.pane` times the page)."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

_COUNT_CALLS = """() => {
  const pen = CanvasRenderingContext2D.prototype;
  window.penCalls = 0;
  for (const name of Object.getOwnPropertyNames(pen)) {
    const own = Object.getOwnPropertyDescriptor(pen, name);
    if (typeof own.value !== "function") continue;
    pen[name] = function (...all) { window.penCalls += 1; return own.value.apply(this, all); };
  }
}"""


def most_calls_a_frame(page: Page, move: str, frames: int, argument: Any = None) -> int:
    """Move a view frame by frame (``move``: JavaScript of (i, argument)); return the most canvas calls of one frame."""
    page.evaluate(_COUNT_CALLS)
    drawn = page.evaluate(
        f"""async ([frames, argument]) => {{
          const move = {move};
          const frame = () => new Promise(requestAnimationFrame);
          const drawn = [];
          for (let i = 0; i < frames; i++) {{
            window.penCalls = 0;
            move(i, argument);
            await frame();
            await frame();
            drawn.push(window.penCalls);
          }}
          return drawn;
        }}""",
        [frames, argument],
    )
    assert sum(calls > 0 for calls in drawn) >= frames // 2, drawn
    return max(drawn)
