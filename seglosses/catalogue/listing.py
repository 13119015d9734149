"""``seglosses list``: what there is, by purpose or by name, and what one of them takes."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from seglosses import losses
from seglosses.catalogue.entries import as_markdown, as_text, entries, matching
from seglosses.hosts.config_files import config_folder
from seglosses.losses.exported import loss_classes
from seglosses.losses.loss import Loss
from seglosses.losses.purposes import SYNONYMS, TAGS

PACKAGE = Path(__file__).parents[1]
KINDS = ("metrics", "mixins", "hooks", "tags")


@dataclass(frozen=True)
class Item:
    """Anything but a loss that a command or a config can name.

    Args:
        name: As it is written there.
        kind: What it is.
        meaning: In a line.
        detail: The whole of it, for one that is asked for by name.
    """

    name: str
    kind: str
    meaning: str
    detail: str


def metrics() -> list[Item]:
    """Names that ``seglosses evaluate --metrics`` takes: columns, each with its group.

    Example:
        >>> next(item.kind for item in metrics() if item.name == 'hd95')
        'metric of the group boundary'
    """
    from seglosses.evaluate.measures import COLUMNS
    from seglosses.evaluate.options import Options

    shown = [column.described(Options()) for column in COLUMNS]
    return [
        Item(
            column.name,
            f"metric of the group {column.group}",
            column.meaning,
            f"{column.title}, {column.better} is better\n"
            f"seglosses evaluate PRED GT --out DIR --metrics {column.name}",
        )
        for column in shown
    ]


def mixins() -> list[Item]:
    """Configs that define a loss alone, see ``configs/losses``.

    Example:
        >>> next(item.meaning for item in mixins() if item.name == 'ce_dice')
        'Cross-entropy and Dice: the baseline of TopoMortar.'
    """
    folder = config_folder() / "losses"
    return [_mixin(path, folder) for path in sorted(folder.rglob("*.py"))]


def _mixin(path: Path, folder: Path) -> Item:
    text = path.read_text(encoding="utf-8")
    comment = " ".join(re.findall(r"\A(?:#.*\n)+", text)).replace("\n#", "").strip("# \n")
    name = path.relative_to(folder).with_suffix("").as_posix()
    return Item(name, "mix-in", comment, f"configs/losses/{name}.py:\n{text.rstrip()}")


def hooks() -> list[Item]:
    """What configs can name beside losses: hooks, metrics, transforms, data sets, models.

    They are read from the source, so that OpenMMLab need not be installed.

    Example:
        >>> next(item.kind for item in hooks() if item.name == 'seglosses.LossWeightSchedule')
        'hook'
    """
    found = []
    for path in sorted((PACKAGE / "hosts" / "openmmlab").glob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found += [_registered(node, mark, classes) for mark in _registries(node)]
    return sorted(found, key=lambda item: (item.kind, item.name))


def _registries(node: ast.ClassDef | ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Kind and name under which a class or function is registered."""
    for mark in node.decorator_list:
        call = re.match(r"(\w+)\.register_module\((?:name='(\w+)')?\)", ast.unparse(mark))
        if call:
            kind = call[1].removesuffix("S").lower().replace("_", " ")
            yield kind, call[2] or node.name


def _registered(
    node: ast.ClassDef | ast.FunctionDef,
    mark: tuple[str, str],
    classes: Mapping[str, ast.ClassDef],
) -> Item:
    kind, name = mark
    doc = ast.get_docstring(node) or ""
    maker = _constructor(node, classes) if isinstance(node, ast.ClassDef) else node
    takes = "" if maker is None else ast.unparse(maker.args)
    takes = re.sub(r"^self(, )?", "", takes)
    call = f"dict(type='seglosses.{name}', ...)  # {takes}" if takes else f"type='seglosses.{name}'"
    return Item(f"seglosses.{name}", kind, doc.split("\n", 1)[0], f"{call}\n\n{doc}")


def _constructor(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> ast.FunctionDef | None:
    """The constructor of a class, be it that of a base in the same file."""
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return each
    named = (base.id for base in node.bases if isinstance(base, ast.Name))
    bases = (classes[name] for name in named if name in classes)
    return next(filter(None, (_constructor(base, classes) for base in bases)), None)


def tags() -> list[Item]:
    """Words by which losses are found, with other words for each.

    Example:
        >>> next(item.meaning for item in tags() if item.name == 'small')
        'objects of few pixels (tiny)'
    """
    found = []
    for tag, meaning in TAGS.items():
        others = ", ".join(word for word, meant in SYNONYMS.items() if meant == tag)
        named = ", ".join(entry.name for entry in entries() if tag in entry.tags)
        words = f"{meaning} ({others})" if others else meaning
        found.append(Item(tag, "purpose", words, f"losses: {named}"))
    return found


def described(name: str) -> str:
    """One loss with its signature, options, defaults, example and mix-ins.

    Args:
        name: Of its class.

    Example:
        >>> print(described('DiceLoss')[:32])
        DiceLoss(smooth=1.0, *, classes=
    """
    member = loss_classes()[name]
    (entry,) = (each for each in entries() if each.name == name)
    doc = inspect.getdoc(member) or ""
    parts = [_wrap(called(member)), "", doc, "", *as_text([entry]).splitlines()[1:6]]
    if member.needs:
        parts.append(f"    needs    {', '.join(member.needs)} (seglosses.extra_inputs)")
    if beside := function_beside(name):
        takes = str(inspect.signature(getattr(losses, beside))).replace("'", "")
        parts += ["", _wrap(f"Function: seglosses.losses.{beside}{takes}")]
    known = mixins()
    if used := [item for item in known if f'"seglosses.{name}"' in item.detail]:
        # the shortest is the one that says least about other losses
        shown = min(used, key=lambda item: len(item.detail))
        parts += ["", f"Mix-ins: {', '.join(item.name for item in used)}", "", shown.detail]
    return "\n".join(parts)


def called(member: type[Loss]) -> str:
    """The call of a loss with all its options and their defaults.

    Example:
        >>> from seglosses.losses import DiceLoss
        >>> called(DiceLoss)[:21]
        'DiceLoss(smooth=1.0, '
    """
    signature = inspect.signature(member)
    bare = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    return f"{member.__name__}{signature.replace(parameters=bare)}"


def _wrap(text: str) -> str:
    return textwrap.fill(text, 100, subsequent_indent="    ", break_long_words=False)


def function_beside(name: str) -> str | None:
    """The function beside a class: the one whose registered form it says to be, or its namesake.

    Example:
        >>> function_beside('SoftClDiceLoss')
        'soft_cldice_loss'
    """
    said = re.search(r"Registered form of :func:`(\w+)`", loss_classes()[name].__doc__ or "")
    if said:
        return said[1]
    functions = (other for other in losses.EXPORTS if inspect.isfunction(getattr(losses, other)))
    return next((f for f in functions if f.replace("_", "") == name.lower()), None)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``seglosses list``."""
    parser.description = (
        "Find losses by purpose (vessel, lesion, noise) or by any word of their description; the"
        " name of one prints its signature, options and defaults, formula, example and mix-ins."
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="a purpose, a name, or any words")
    parser.add_argument(
        "--format", choices=["text", "markdown", "json"], default="text", help="default: text"
    )
    others = parser.add_mutually_exclusive_group()
    helps = {
        "metrics": "what `seglosses evaluate --metrics` takes",
        "mixins": "configs of losses, what `--loss` and `benchmark --losses` take",
        "hooks": "hooks, metrics, transforms and models that configs can name",
        "tags": "purposes by which losses are found, and other words for them",
    }
    for kind in KINDS:
        others.add_argument(
            f"--{kind}", dest="kind", action="store_const", const=kind, help=helps[kind]
        )


def run(args: argparse.Namespace) -> int:
    """Print what is asked for."""
    if args.kind is not None:
        print(_shown(globals()[args.kind](), args))
        return 0
    name = _loss(args.words)
    if name and args.format == "text":
        print(described(name))
        return 0
    found = [each for each in entries() if each.name == name] if name else matching(args.words)
    # a word may be the name of something else as well
    others = [item for item in _items() if [word.lower() for word in args.words] == [_plain(item)]]
    if not found and not others:
        raise ValueError(
            f"no loss mentions {' and '.join(args.words)}; `seglosses list` shows all, `seglosses"
            " list --tags` the purposes, and --metrics, --mixins, --hooks what else there is"
        )
    if args.format == "json":
        print(json.dumps([asdict(entry) for entry in found], indent=2, ensure_ascii=False))
    elif args.format == "markdown":
        print(as_markdown(found))
    else:
        print("\n\n".join([*([as_text(found)] if found else []), *map(_whole, others)]))
    return 0


def _loss(words: Sequence[str]) -> str | None:
    """The loss whose name, or whose function's name, is the one word given."""
    if len(words) != 1:
        return None
    wanted = words[0].removeprefix("seglosses.").lower()
    return next((n for n in loss_classes() if wanted in (n.lower(), function_beside(n))), None)


def _plain(item: Item) -> str:
    return item.name.removeprefix("seglosses.").lower()


def _items() -> list[Item]:
    return [*metrics(), *hooks(), *(mixins())]


def _whole(item: Item) -> str:
    return f"{item.name} ({item.kind})\n    {item.meaning}\n\n{item.detail}"


def _shown(items: list[Item], args: argparse.Namespace) -> str:
    words = [word.lower() for word in args.words]
    found = [
        item
        for item in items
        if all(word in f"{item.name} {item.kind} {item.meaning}".lower() for word in words)
    ]
    if not found:
        raise ValueError(f"none of the {args.kind} mentions {' and '.join(args.words)}")
    if len(found) == 1:
        return _whole(found[0])
    if args.format == "json":
        return json.dumps([asdict(item) for item in found], indent=2, ensure_ascii=False)
    if args.format == "markdown":
        rows = [
            f"| `{i.name}` | {i.kind} | {i.meaning.replace('|', chr(92) + '|')} |" for i in found
        ]
        return "\n".join(["| name | kind | meaning |", "|---|---|---|", *rows])
    width = max(len(item.name) for item in found)
    return "\n".join(f"{item.name:{width}}  {item.kind}: {item.meaning}" for item in found)
