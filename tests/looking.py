"""Looks at screenshots: the colour of a point, and how much two pictures differ. The browser's canvas does the work."""

from __future__ import annotations

from base64 import b64encode

from playwright.sync_api import Browser

_LOAD = """async (data) => {
  const image = new Image(); image.src = 'data:image/png;base64,' + data; await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.width; canvas.height = image.height;
  const drawing = canvas.getContext('2d'); drawing.drawImage(image, 0, 0);
  return drawing.getImageData(0, 0, image.width, image.height);
}"""


def colour_at(browser: Browser, png: bytes, x: int, y: int) -> str:
    """The colour of a point, #rrggbb."""
    script = f"""async ([data, x, y]) => {{
      const picture = await ({_LOAD})(data), at = 4 * (y * picture.width + x);
      return '#' + [0, 1, 2].map((i) => picture.data[at + i].toString(16).padStart(2, '0')).join('');
    }}"""
    return _run(browser, script, [b64encode(png).decode("ascii"), x, y])


def difference(browser: Browser, one: bytes, other: bytes) -> float:
    """The share of points whose colour differs by more than a shade, from 0 to 1; 1 when the sizes differ much.

    Both are looked at through squares of 4 by 4 points, so that the edges of letters, which no two machines draw alike,
    count for little.
    """
    script = f"""async ([one, other]) => {{
      const a = await ({_LOAD})(one), b = await ({_LOAD})(other);
      if (a.width !== b.width || Math.abs(a.height - b.height) > 0.03 * a.height) return 1;
      const step = 4, wide = Math.floor(a.width / step), high = Math.floor(Math.min(a.height, b.height) / step);
      const mean = (p, x, y, c) => {{
        let sum = 0;
        for (let i = 0; i < step; i++) for (let j = 0; j < step; j++)
          sum += p.data[4 * ((y * step + i) * p.width + x * step + j) + c];
        return sum / step / step;
      }};
      let differ = 0;
      for (let y = 0; y < high; y++) for (let x = 0; x < wide; x++)
        differ += [0, 1, 2].some((c) => Math.abs(mean(a, x, y, c) - mean(b, x, y, c)) > 24);
      return differ / (wide * high);
    }}"""
    return float(_run(browser, script, [b64encode(one).decode("ascii"), b64encode(other).decode("ascii")]))


def _run(browser: Browser, script: str, arguments: list[object]) -> str:
    tab = browser.new_context()
    try:
        return tab.new_page().evaluate(script, arguments)
    finally:
        tab.close()
