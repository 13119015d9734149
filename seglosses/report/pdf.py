"""PDF of the SVG that this package draws, without a library: lines, shapes, text, pictures.

It reads what :mod:`seglosses.report` writes and nothing else: absolute paths of M, L, H, V and Z,
no style sheets but :data:`CLASSES`, no nested transforms but a translation with a rotation.
"""

from __future__ import annotations

import base64
import io
import re
import zlib
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from PIL import Image

CLASSES: Mapping[str, Mapping[str, str]] = {
    "axis": {"stroke": "#667085", "stroke-width": "1"},
    "whisker": {"stroke": "#667085", "stroke-width": "1"},
    "bar": {"fill": "#7aa5d2"},
    "band": {"fill": "#2563a8", "fill-opacity": "0.18"},
    "mean": {"stroke": "#2563a8", "stroke-width": "2"},
    "median": {"stroke": "#1c2430", "stroke-width": "2"},
    "dot": {"fill": "#2563a8", "stroke": "#ffffff"},
    "ground": {"fill": "#ffffff"},
    "ink": {"fill": "#1c2430"},
}
"""How classes of charts look on paper."""
TEXT = {"fill": "#475467", "font-size": "11"}
_HELVETICA = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 "
    "556 556 556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 "
    "556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 "
    "556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 "
    "500 500 500 334 260 334 584 "
)
#: Widths of characters in thousandths of the size.
_WIDTHS = dict(enumerate(map(int, _HELVETICA.split()), start=32))
_SYMBOL = {
    "↑": b"\xad",
    "↓": b"\xaf",
    "δ": b"d",
    "β": b"b",
    "−": b"\x2d",
    "≤": b"\xa3",
    "≥": b"\xb3",
}
_PLAIN = {"–": "\x96", "—": "\x97", "…": "\x85", "★": "*", "☆": "*", "’": "'", "†": "\x86"}


def pdf(svg: str) -> bytes:
    """One page in the size of the drawing, an SVG unit a point.

    Args:
        svg: A drawing of this package.

    Returns:
        The bytes of a file.

    Raises:
        ValueError: The text is no SVG with a viewBox.

    Example:
        >>> pdf('<svg viewBox="0 0 9 9"><rect width="2" height="2" fill="#000"/></svg>')[:8]
        b'%PDF-1.4'
    """
    root = ElementTree.fromstring(svg)
    box = [float(word) for word in root.get("viewBox", "").split()]
    if len(box) != 4:
        raise ValueError("expected an SVG with a viewBox of four numbers")
    page = _Page(box[3])
    for child in root:
        page.draw(child, {})
    return page.file(box[2], box[3])


class _Page:
    """The content of a page, and the pictures on it."""

    def __init__(self, height: float) -> None:
        # SVG counts rows downwards, PDF upwards
        self.content = [f"1 0 0 -1 0 {height:g} cm".encode()]
        self.pictures: list[bytes] = []
        self.shades: dict[str, str] = {}

    def draw(self, element: ElementTree.Element, inherited: Mapping[str, str]) -> None:
        kind = element.tag.rpartition("}")[2]
        look = dict(inherited)
        for name in (element.get("class") or "").split():
            look |= CLASSES.get(name, {})
        look |= {key: value for key, value in element.attrib.items() if key in _LOOK}
        look |= dict(re.findall(r"([\w-]+):([^;]+)", element.get("style") or ""))
        if kind in ("g", "svg"):
            for child in element:
                self.draw(child, look)
            return
        place = {key: float(v) for key, v in element.attrib.items() if re.fullmatch(_NUMBER, v)}
        if kind == "text":
            self._text(element, look, place)
        elif kind == "image":
            self._image(element, place)
        elif kind in _SHAPES:
            self._shape(_SHAPES[kind](element, place), look)

    def _shape(self, outline: str, look: Mapping[str, str]) -> None:
        fill, stroke = look.get("fill", "#000000"), look.get("stroke", "none")
        opacity = float(look.get("opacity", 1))
        words = ["q"]
        parts = {
            "ca": float(look.get("fill-opacity", 1)),
            "CA": float(look.get("stroke-opacity", 1)),
        }
        shade = " ".join(f"/{key} {value * opacity:g}" for key, value in parts.items())
        if shade != "/ca 1 /CA 1":
            name = self.shades.setdefault(shade, f"G{len(self.shades)}")
            words.append(f"/{name} gs")
        if fill != "none":
            words.append(f"{_rgb(fill)} rg")
        if stroke != "none":
            words.append(f"{_rgb(stroke)} RG {float(look.get('stroke-width', 1)):g} w 1 j")
            if look.get("stroke-dasharray"):
                words.append(f"[{look['stroke-dasharray'].replace(',', ' ')}] 0 d")
        paint = {(True, True): "B", (True, False): "f", (False, True): "S", (False, False): "n"}
        words += [outline, paint[fill != "none", stroke != "none"], "Q"]
        self.content.append(" ".join(words).encode())

    def _text(
        self, element: ElementTree.Element, look: Mapping[str, str], place: Mapping[str, float]
    ) -> None:
        look = {**TEXT, **look}
        size = float(str(look["font-size"]).removesuffix("px"))
        bold = look.get("font-weight") in ("bold", "600", "700")
        pieces = _pieces(element.text or "")
        wide = sum(width for _, _, width in pieces) * size / 1000 * (1.06 if bold else 1.0)
        back = {"middle": wide / 2, "end": wide}.get(element.get("text-anchor", ""), 0.0)
        turn = re.fullmatch(
            rf"translate\(({_NUMBER})[ ,]+({_NUMBER})\)(?: rotate\(({_NUMBER})\))?",
            element.get("transform", "translate(0 0)"),
        )
        assert turn is not None, "only translations and a rotation are drawn"
        x, y, angle = (float(word or 0) for word in turn.groups())
        matrix = {0.0: "1 0 0 1", -90.0: "0 -1 1 0", 90.0: "0 1 -1 0"}[angle]
        words = [f"q {matrix} {x:g} {y:g} cm {_rgb(look['fill'])} rg BT"]
        words.append(f"1 0 0 -1 {place.get('x', 0) - back:.2f} {place.get('y', 0):.2f} Tm")
        line = " ".join(words).encode()
        for symbol, text, _ in pieces:
            font = b"/F2" if symbol else b"/F1" if bold else b"/F0"
            for character in (b"\\", b"(", b")"):
                text = text.replace(character, b"\\" + character)
            line += b" " + font + f" {size:g} Tf (".encode() + text + b") Tj"
        self.content.append(line + b" ET Q")

    def _image(self, element: ElementTree.Element, place: Mapping[str, float]) -> None:
        source = element.get("href", "").partition("base64,")[2]
        with Image.open(io.BytesIO(base64.b64decode(source))) as stored:
            picture = stored.convert("RGB")
        data = zlib.compress(picture.tobytes(), 9)
        head = (
            f"/Type /XObject /Subtype /Image /Width {picture.width} /Height {picture.height}"
            " /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode"
        )
        self.pictures.append(_stream(head, data))
        x, y, wide, high = (place.get(key, 0) for key in ("x", "y", "width", "height"))
        name = len(self.pictures) - 1
        self.content.append(
            f"q {wide:g} 0 0 {-high:g} {x:g} {y + high:g} cm /I{name} Do Q".encode()
        )

    def file(self, width: float, height: float) -> bytes:
        first = 8
        shades = "".join(f"/{name} << {shade} >> " for shade, name in self.shades.items())
        shown = "".join(f"/I{i} {first + i} 0 R " for i in range(len(self.pictures)))
        font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} {}>>"
        coded = "/Encoding /WinAnsiEncoding "
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:g} {height:g}] /Contents 4 0 R"
                " /Resources << /Font << /F0 5 0 R /F1 6 0 R /F2 7 0 R >>"
                f" /ExtGState << {shades}>> /XObject << {shown}>> >> >>"
            ).encode(),
            _stream("/Filter /FlateDecode", zlib.compress(b"\n".join(self.content), 9)),
            font.format("Helvetica", coded).encode(),
            font.format("Helvetica-Bold", coded).encode(),
            font.format("Symbol", "").encode(),
            *self.pictures,
        ]
        out, places = b"%PDF-1.4\n", []
        for index, body in enumerate(objects, start=1):
            places.append(len(out))
            out += f"{index} 0 obj\n".encode() + body + b"\nendobj\n"
        table = "".join(f"{place:010d} 00000 n \n" for place in places)
        end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n"
        end += f"<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
        return out + end.encode()


_NUMBER = r"-?\d+(?:\.\d+)?"
_LOOK = {
    "fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity", "stroke-opacity",
    "opacity", "font-size", "font-weight",
}  # fmt: skip


def _stream(head: str, data: bytes) -> bytes:
    return f"<< {head} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def _rgb(colour: str) -> str:
    text = colour.strip()
    if text.startswith("rgb"):
        parts = [int(word) for word in re.findall(r"\d+", text)[:3]]
    else:
        digits = text.removeprefix("#")
        digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
        parts = [int(digits[place : place + 2], 16) for place in (0, 2, 4)]
    return " ".join(f"{part / 255:.3f}" for part in parts)


def without_glyph(drawings: Sequence[str]) -> str:
    """Characters of the texts of drawings that PDFs of them cannot show.

    Args:
        drawings: SVG elements; what is none is left out.

    Returns:
        Each character once, in order.

    Example:
        >>> without_glyph(['<svg><text>Dice β – 拓扑</text></svg>'])
        '拓扑'
    """
    shown = "".join(
        element.text or ""
        for svg in drawings
        if svg.startswith("<svg")
        for element in ElementTree.fromstring(svg).iter()
        if element.tag.endswith("text")
    )
    known = (*_SYMBOL, *_PLAIN)
    return "".join(dict.fromkeys(c for c in shown if ord(c) > 255 and c not in known))


def _pieces(text: str) -> list[tuple[bool, bytes, int]]:
    """Runs of one font: whether it is Symbol, the bytes, and their width in thousandths."""
    found: list[tuple[bool, bytes, int]] = []
    for character in text:
        symbol = character in _SYMBOL
        if symbol:
            code, width = _SYMBOL[character], 603
        else:
            code = _PLAIN.get(character, character).encode("latin-1", "replace")
            width = _WIDTHS.get(code[0], 556)
        if found and found[-1][0] == symbol:
            _, before, wide = found[-1]
            found[-1] = symbol, before + code, wide + width
        else:
            found.append((symbol, code, width))
    return found


def _rect(element: ElementTree.Element, at: Mapping[str, float]) -> str:
    x, y, wide, high = (at.get(key, 0) for key in ("x", "y", "width", "height"))
    return f"{x:g} {y:g} {wide:g} {high:g} re"


def _line(element: ElementTree.Element, at: Mapping[str, float]) -> str:
    return f"{at.get('x1', 0):g} {at.get('y1', 0):g} m {at.get('x2', 0):g} {at.get('y2', 0):g} l"


def _ellipse(element: ElementTree.Element, at: Mapping[str, float]) -> str:
    """Four Bezier curves."""
    x, y = at.get("cx", 0), at.get("cy", 0)
    a, b = at.get("rx", at.get("r", 0)), at.get("ry", at.get("r", 0))
    c, d = 0.5523 * a, 0.5523 * b
    words = [f"{x + a:.2f} {y:.2f} m"]
    # end of each quarter, and the directions in which it is left and reached
    for i, j in ((0, 1), (-1, 0), (0, -1), (1, 0)):
        before, after = (
            (x + j * a + i * c, y - i * b + j * d),
            (x + i * a + j * c, y + j * b - i * d),
        )
        words.append(
            " ".join(f"{value:.2f}" for value in (*before, *after, x + i * a, y + j * b)) + " c"
        )
    return " ".join([*words, "h"])


def _path(element: ElementTree.Element, at: Mapping[str, float]) -> str:
    words, x, y = [], 0.0, 0.0
    for command, text in re.findall(r"([MLHVZ])([^MLHVZ]*)", element.get("d", "")):
        numbers = [float(word) for word in re.findall(_NUMBER, text)]
        if command == "Z":
            words.append("h")
        elif command in "HV":
            for value in numbers:
                x, y = (value, y) if command == "H" else (x, value)
                words.append(f"{x:g} {y:g} l")
        else:
            for x, y in zip(numbers[::2], numbers[1::2], strict=True):
                words.append(f"{x:g} {y:g} {'m' if command == 'M' else 'l'}")
    return " ".join(words)


_SHAPES = {"rect": _rect, "line": _line, "circle": _ellipse, "ellipse": _ellipse, "path": _path}
