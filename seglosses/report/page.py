"""The frame of a report: one HTML file with its style and its few lines of script inside."""

from __future__ import annotations

import html
from collections.abc import Sequence

STYLE = """
:root{--ink:#1c2430;--quiet:#667085;--line:#e3e7ee;--ground:#f6f7f9;--card:#fff;--accent:#2563a8;
--band:#2563a81f;--bar:#7aa5d2;--warn:#b54708;--warnbg:#fff5e8}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--quiet:#98a2b3;--line:#2d3440;
--ground:#14171c;--card:#1d2129;--accent:#8ab8ee;--band:#8ab8ee22;--bar:#4f7cab;--warn:#f7b267;
--warnbg:#33260f}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 20px 60px}
h1,h2,h3{overflow-wrap:anywhere}
h1{font-size:26px;margin:0 0 2px;letter-spacing:-.01em}
h2{font-size:18px;margin:38px 0 10px}
h3{font-size:15px;margin:20px 0 8px}
figure+figure{margin-top:14px}
.grid figure+figure{margin-top:0}
p{margin:6px 0;overflow-wrap:anywhere}
.quiet{color:var(--quiet)}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;
min-width:0;overflow-wrap:anywhere}
.grid{display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(128px,1fr))}
.grid+.grid,.scroll+.scroll{margin-top:14px}
.half{grid-template-columns:repeat(auto-fill,minmax(min(100%,520px),1fr))}
#summary,#classes{font-size:14px}
.scroll.whole{max-height:none}
.wide{grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr))}
.tile b{display:block;font-size:24px;white-space:nowrap;font-variant-numeric:tabular-nums;
letter-spacing:-.02em}
.tile span{color:var(--quiet);font-size:13px}
.tile b+span{white-space:nowrap;font-size:12px}
.warn{border-color:var(--warn);background:var(--warnbg);margin:14px 0}
.warn li{overflow-wrap:anywhere}
.scroll{overflow:auto;max-height:640px;border:1px solid var(--line);border-radius:10px;
background:var(--card)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:6px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
th:first-child,td:first-child,[id$=-effects] th:nth-child(2),
[id$=-effects] td:nth-child(2){text-align:left}
th{position:sticky;top:0;background:var(--card);z-index:1}
td:first-child{position:sticky;left:0;background:var(--card)}
th:first-child{left:0;z-index:2}
table.sortable th{cursor:pointer;user-select:none}
table.sortable th:hover{color:var(--accent)}
th[aria-sort=ascending]::after{content:" ▲";font-size:10px}
th[aria-sort=descending]::after{content:" ▼";font-size:10px}
tbody tr:hover{background:var(--band)}
tbody tr:last-child td{border-bottom:0}
small{color:var(--quiet)}
figure{margin:0}
figure svg{cursor:zoom-in}
figure img{cursor:zoom-in;width:100%;height:auto;border-radius:6px;display:block}
figcaption{font-size:13px;margin-top:8px;color:var(--quiet);overflow-wrap:anywhere}
figcaption b{color:var(--ink)}
.pictures{display:grid;gap:8px;grid-template-columns:1fr 1fr}
.legend{display:flex;flex-wrap:wrap;gap:6px 18px;font-size:13px;color:var(--quiet);margin:0 0 12px}
.swatch{display:inline-block;width:13px;height:13px;border-radius:3px;margin-right:6px;
vertical-align:-2px;border:1px solid #0003}
.ring{background:none!important;border-width:2px;border-style:solid}
.round{border-radius:50%}
.narrow{max-width:560px}
.chart{width:100%;height:auto;display:block}
.chart .ink{fill:var(--ink)}
.chart .ground{fill:var(--card)}
.chart text{fill:var(--quiet);font-size:11px;font-family:inherit}
.chart .axis,.chart .whisker{stroke:var(--quiet);stroke-width:1}
.chart .bar{fill:var(--bar)}
.chart .band{fill:var(--accent);opacity:.18}
.chart .mean,.chart .median{stroke:var(--accent);stroke-width:2}
.chart .median{stroke:var(--ink)}
.chart .dot{fill:var(--accent);stroke:var(--card)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0;font-size:14px}
dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
input[type=search]{font:inherit;padding:6px 10px;border:1px solid var(--line);border-radius:8px;
background:var(--card);color:inherit;margin-bottom:8px;width:240px;max-width:100%}
dialog{border:0;padding:0;background:none;max-width:none;max-height:none}
dialog::backdrop{background:#000c}
dialog svg{width:96vw;max-height:94vh;background:var(--card);border-radius:8px;cursor:zoom-out}
dialog img{max-width:96vw;max-height:94vh;image-rendering:pixelated;cursor:zoom-out;
min-height:80vh}
@media(max-width:600px){.pictures{grid-template-columns:1fr}dl{grid-template-columns:1fr}
main{padding:18px 12px 40px}
.grid[style]{grid-template-columns:1fr!important}
th{white-space:normal;max-width:150px;overflow-wrap:break-word}
th,td{padding:5px 7px}table{font-size:13px}
td:first-child,th:first-child{white-space:normal;overflow-wrap:break-word;min-width:106px;
max-width:42vw;box-shadow:1px 0 0 var(--line)}}
@media print{.scroll{max-height:none;overflow:visible}body{background:#fff}}
"""

SCRIPT = """
document.querySelectorAll("table.sortable").forEach(table=>{
const body=table.tBodies[0],heads=[...table.tHead.rows[0].cells];
const key=(row,i)=>row.cells[i].dataset.value??row.cells[i].textContent;
heads.forEach((head,i)=>{head.tabIndex=0;head.setAttribute("aria-sort","none");
const sort=()=>{const up=head.getAttribute("aria-sort")!=="ascending";
heads.forEach(h=>h.setAttribute("aria-sort","none"));
head.setAttribute("aria-sort",up?"ascending":"descending");
const rows=[...body.rows].sort((a,b)=>{const x=key(a,i),y=key(b,i);
if(x===""||y==="")return (x==="")-(y==="");
const n=Number(x)-Number(y),way=up?1:-1;
return way*(isNaN(n)?x.localeCompare(y,undefined,{numeric:true}):n)});
body.append(...rows)};
head.onclick=sort;
head.onkeydown=e=>{if(e.key==="Enter"||e.key===" "){e.preventDefault();sort()}}})});
const dialog=document.createElement("dialog");document.body.append(dialog);
dialog.onclick=()=>dialog.close();
document.querySelectorAll("figure img,figure svg").forEach(img=>{img.onclick=()=>{
dialog.replaceChildren(img.cloneNode(true));dialog.showModal()}});
document.querySelectorAll("input[type=search]").forEach(box=>{box.oninput=()=>{
const text=box.value.toLowerCase();
document.querySelectorAll("#"+box.dataset.table+" tbody tr").forEach(row=>{
row.hidden=!row.cells[0].textContent.toLowerCase().includes(text)})}});
"""


def page(title: str, subtitle: str, sections: Sequence[str]) -> str:
    """A whole document; everything it shows is inside it.

    Args:
        title: Heading.
        subtitle: HTML under the heading.
        sections: HTML of the sections.

    Returns:
        HTML.

    Example:
        >>> page("Scores", "", [section("One", "<p>1</p>")]).count("<section>")
        1
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f'<h1>{html.escape(title)}</h1><p class="quiet">{subtitle}</p>\n'
        + "\n".join(sections)
        + f"\n</main><script>{SCRIPT}</script></body></html>\n"
    )


def section(heading: str, body: str) -> str:
    """A heading and what stands under it (HTML).

    Args:
        heading: Text.
        body: HTML.

    Returns:
        HTML.

    Example:
        >>> section("A & B", "<p>text</p>")
        '<section><h2>A &amp; B</h2><p>text</p></section>'
    """
    return f"<section><h2>{html.escape(heading)}</h2>{body}</section>"


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str | tuple[str, float]]],
    *,
    name: str,
    sortable: bool = True,
    whole: bool = False,
) -> str:
    """A table whose columns sort on a click.

    Args:
        heads: Column headings, text.
        rows: Cells: text, or text shown with the number to sort by (NaN sorts last).
        name: Id of the table.
        sortable: Whether a click on a heading sorts.
        whole: Whether all rows are shown at once, in place of a window that scrolls.

    Returns:
        HTML.

    Example:
        >>> '<td data-value="0.5">50 %</td>' in table(["a"], [[("50 %", 0.5)]], name="t")
        True
    """
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    kind = ' class="sortable"' if sortable else ""
    return (
        f'<div class="scroll{" whole" * whole}"><table id="{name}"{kind}><thead><tr>{head}'
        f"</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(cell: str | tuple[str, float]) -> str:
    if isinstance(cell, str):
        return f"<td>{html.escape(cell)}</td>"
    text, value = cell
    key = "" if value != value else repr(float(value))
    return f'<td data-value="{key}">{html.escape(text)}</td>'


def tiles(items: Sequence[tuple[str, str, str]]) -> str:
    """Cards with a label, a large number and a remark.

    Args:
        items: Label, number and remark of each card, text.

    Returns:
        HTML.

    Example:
        >>> "<b>0.9</b>" in tiles([("Dice", "0.9", "12 images")])
        True
    """
    cards = "".join(
        f'<div class="card tile"><span>{html.escape(label)}</span><b>{html.escape(value)}</b>'
        f"<span>{html.escape(remark)}</span></div>"
        for label, value, remark in items
    )
    return f'<div class="grid">{cards}</div>'


def definitions(items: Sequence[tuple[str, str]]) -> str:
    """A list of terms and what they mean, text.

    Args:
        items: Term and meaning, text.

    Returns:
        HTML.

    Example:
        >>> "<dt>Dice</dt><dd>2 TP / …</dd>" in definitions([("Dice", "2 TP / …")])
        True
    """
    rows = "".join(
        f"<dt>{html.escape(term)}</dt><dd>{html.escape(text)}</dd>" for term, text in items
    )
    return f'<div class="card"><dl>{rows}</dl></div>'
