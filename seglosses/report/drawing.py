"""A drawing of pictures, lines, shapes and text, as pixels or as SVG."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

_WIDER = 1.2
"""Of a browser's letters against those of pictures, at most."""


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


class Drawing:
    """What is drawn, in order; units are pixels.

    Args:
        width: Of the drawing.
        height: Of the drawing.
        ground: Colour behind everything.
        label: Description for screen readers.

    Example:
        >>> drawing = Drawing(4, 2, (0, 0, 0))
        >>> drawing.line((0, 0.5, 4, 0.5), (255, 0, 0))
        >>> drawing.image().getpixel((3, 0)), drawing.svg().count("<line")
        ((255, 0, 0), 1)
    """

    def __init__(self, width: int, height: int, ground: Colour, label: str = "") -> None:
        self.width, self.height, self.ground, self.label = width, height, ground, label
        self._pixels: list[Callable[[Image.Image, ImageDraw.ImageDraw], None]] = []
        self._parts: list[str] = [
            f'<rect width="{width}" height="{height}" fill="{_hex(ground)}"/>'
        ]

    def picture(self, picture: Image.Image, x: int, y: int) -> None:
        """A picture, unscaled."""
        self._pixels.append(lambda image, draw: image.paste(picture, (x, y)))
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", optimize=True)
        data = base64.b64encode(buffer.getvalue()).decode()
        self._parts.append(
            f'<image x="{x}" y="{y}" width="{picture.width}" height="{picture.height}" '
            f'style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
        )

    def line(self, ends: tuple[float, float, float, float], colour: Colour, width: int = 1) -> None:
        """A line from (x, y) to (x, y)."""
        self._pixels.append(lambda image, draw: draw.line(ends, fill=colour, width=width))
        x1, y1, x2, y2 = (f"{end:.1f}" for end in ends)
        self._parts.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{_hex(colour)}" '
            f'stroke-width="{width}"/>'
        )

    def ellipse(
        self,
        box: tuple[float, float, float, float],
        *,
        fill: Colour | None = None,
        outline: Colour | None = None,
        width: int = 1,
    ) -> None:
        """An ellipse in a box (left, top, right, bottom)."""
        self._pixels.append(lambda image, draw: draw.ellipse(box, fill, outline, width))
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        self._parts.append(
            f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{(box[2] - box[0]) / 2:.1f}" '
            f'ry="{(box[3] - box[1]) / 2:.1f}" {_look(fill, outline, width)}/>'
        )

    def rectangle(
        self,
        box: tuple[float, float, float, float],
        *,
        fill: Colour | None = None,
        outline: Colour | None = None,
        width: int = 1,
    ) -> None:
        """A rectangle (left, top, right, bottom)."""
        self._pixels.append(lambda image, draw: draw.rectangle(box, fill, outline, width))
        self._parts.append(
            f'<rect x="{box[0]:.1f}" y="{box[1]:.1f}" width="{box[2] - box[0]:.1f}" '
            f'height="{box[3] - box[1]:.1f}" {_look(fill, outline, width)}/>'
        )

    def text(self, x: float, y: float, text: str, colour: Colour, size: int = 12) -> None:
        """A line of text, whose top left corner is at (x, y)."""
        self._pixels.append(
            lambda image, draw: draw.text((x, y), text, fill=colour, font=_font(size))
        )
        self._parts.append(
            f'<text x="{x:.1f}" y="{y + 0.95 * size:.1f}" font-size="{size}" '
            f'style="fill:{_hex(colour)}">{html.escape(text)}</text>'
        )

    def fitting(self, text: str, room: float, size: int = 12) -> str:
        """As much of a text as fits, with an ellipsis where that is not all."""
        font = _font(size)
        if font.getlength(text) * _WIDER <= room:
            return text
        while text and font.getlength(text + "…") * _WIDER > room:
            text = text[:-1]
        return text + "…"

    def image(self) -> Image.Image:
        """The drawing as pixels."""
        image = Image.new("RGB", (self.width, self.height), self.ground)
        draw = ImageDraw.Draw(image)
        for step in self._pixels:
            step(image, draw)
        return image

    def svg(self) -> str:
        """The drawing as one SVG element; pictures are inside of it."""
        return (
            f'<svg role="img" aria-label="{html.escape(self.label)}" viewBox="0 0 {self.width} '
            f'{self.height}">{"".join(self._parts)}</svg>'
        )


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _look(fill: Colour | None, outline: Colour | None, width: int) -> str:
    inside = "none" if fill is None else _hex(fill)
    edge = "" if outline is None else f' stroke="{_hex(outline)}" stroke-width="{width}"'
    return f'fill="{inside}"{edge}'
