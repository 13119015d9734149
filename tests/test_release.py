"""A release is prepared in every place, and what does not fit its tag is named."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

from seglosses import __version__

ROOT = Path(__file__).parents[1]
FILES = ("CHANGELOG.md", "CITATION.cff", "SECURITY.md", "pyproject.toml", "seglosses/__init__.py",
         "tools/conda/recipe.yaml")  # fmt: skip
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(scope="module")
def release():
    spec = importlib.util.spec_from_file_location("release", ROOT / "tools" / "release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path):
    """A copy of what a release touches, with an owner."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text(text.replace("OWNER", "somebody"))
    return tmp_path


def test_a_prepared_release_fits_its_tag(release, project):
    before = (project / "CHANGELOG.md").read_text()
    release.prepare("9.8.7", "2031-02-03", project)
    assert release.check("v9.8.7", project) == []
    log = (project / "CHANGELOG.md").read_text()
    assert log.index("## [Unreleased]\n\n## [9.8.7] - 2031-02-03\n\n### Added\n- ") > 0
    bullets = re.findall(r"^- .*", before, re.MULTILINE)
    assert sorted(re.findall(r"^- .*", log, re.MULTILINE)) == sorted(bullets), "nothing is lost"
    headings = re.findall(r"^### (.*)", release.notes("9.8.7", project), re.MULTILINE)
    assert headings == [kind for kind in release.KINDS if kind in headings]
    assert "date-released: 2031-02-03" in (project / "CITATION.cff").read_text()


def test_a_second_release_comes_above_the_first(release, project):
    release.prepare("9.8.7", "2031-02-03", project)
    path = project / "CHANGELOG.md"
    text = path.read_text().replace("[Unreleased]\n", "[Unreleased]\n\n### Fixed\n- A typo.\n", 1)
    path.write_text(text)
    assert any("not released" in line for line in release.check("v9.8.7", project))
    release.prepare("9.8.8", "2031-03-03", project)
    assert release.check("v9.8.8", project) == []
    assert release.notes("9.8.8", project) == "### Fixed\n- A typo."
    assert path.read_text().index("[9.8.8]") < path.read_text().index("[9.8.7]")
    assert (project / "CITATION.cff").read_text().count("date-released") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("seglosses/__init__.py", "9.8.7", "9.8.6"), "__init__.py states version 9.8.6"),
        (("CITATION.cff", "9.8.7", "9.8.6"), "CITATION.cff states version 9.8.6"),
        (("tools/conda/recipe.yaml", "9.8.7", "9.8.6"), "recipe.yaml states version 9.8.6"),
        (("CHANGELOG.md", "## [9.8.7]", "## [9.8.6]"), r"no section \[9.8.7\]"),
        (("pyproject.toml", "somebody", "OWNER"), "pyproject.toml has OWNER"),
    ],
)
def test_what_does_not_fit_is_named(release, project, change, words):
    release.prepare("9.8.7", "2031-02-03", project)
    name, old, new = change
    (project / name).write_text((project / name).read_text().replace(old, new))
    (line,) = release.check("v9.8.7", project)
    assert re.search(words, line)


def test_this_project_waits_for_its_owner(release):
    assert any("OWNER" in line for line in release.check(f"v{__version__}"))


@pytest.mark.parametrize("version", ["1", "v1.0.0", "1.0.0-beta"])
def test_what_is_no_version_is_refused(release, project, version):
    with pytest.raises(ValueError, match="expected a version such as"):
        release.prepare(version, "2031-02-03", project)


def test_a_kind_that_is_none_is_refused(release):
    with pytest.raises(ValueError, match="a heading Improved"):
        release.by_kind("### Improved\n- a\n")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_what_there_is(path):
    yaml = pytest.importorskip("yaml")
    flow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert flow["permissions"] == {"contents": "read"}, "more is given to single jobs"
    for job in flow["jobs"].values():
        for step in job.get("steps", []):
            if "uses" in step:
                assert re.search(r"@(v\d+|release/v\d+)$", step["uses"]), step["uses"]
            for file in re.findall(r"(?:tools|tests|seglosses)/[\w/.]+", step.get("run", "")):
                assert (ROOT / file.rstrip(".")).exists(), f"{path.name}: {file}"
            for extra in re.findall(r"\.\[([\w,-]+)\]", step.get("run", "")):
                text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
                assert all(re.search(rf"^{each} = ", text, re.MULTILINE) for each in
                           extra.split(",")), extra  # fmt: skip


def test_workflows_try_the_oldest_torch_that_is_promised():
    yaml = pytest.importorskip("yaml")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (oldest,) = re.findall(r'"torch>=([\d.]+)"', text)
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    runs = " ".join(step.get("run", "") for step in flow["jobs"]["oldest"]["steps"])
    assert f'"torch=={oldest}.' in runs
    assert re.search(r"pytest .*tests/losses", runs)


def test_workflows_try_every_python_that_is_promised():
    yaml = pytest.importorskip("yaml")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    promised = re.findall(r"Python :: (3\.\d+)", text)
    for name, job in (("tests", "fast"), ("wheel", "kernels")):
        flow = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
        assert flow["jobs"][job]["strategy"]["matrix"]["python-version"] == promised


def test_every_change_builds_the_site_and_opens_it():
    yaml = pytest.importorskip("yaml")
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "site.yml").read_text())
    assert "pull_request" in flow[True], "YAML reads the key on as true"
    steps = [step.get("run", "") for step in flow["jobs"]["build"]["steps"]]
    (tests,) = [words for words in steps if "pytest" in words]
    assert {"--slow", "tests/test_site.py", "tests/test_tutorial.py"} <= set(tests.split())
    assert any(words.startswith("python tools/build_site.py") for words in steps)
    (browser,) = [words.split()[0] for words in steps if words.endswith("chrome --version")]
    assert f'"{browser}"' in (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    assert flow["jobs"]["publish"]["needs"] == "build"


def test_one_page_names_what_waits_for_the_owner():
    page = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
    waiting = {name for name in FILES if "OWNER" in (ROOT / name).read_text(encoding="utf-8")}
    assert waiting == set(re.findall(r"^\| `([\w./]+)` \| `OWNER`", page, re.MULTILINE))


def test_workflows_compare_with_the_versions_that_all_tests_compare_with():
    yaml = pytest.importorskip("yaml")
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    runs = " ".join(step.get("run", "") for step in flow["jobs"]["fast"]["steps"])
    everything = (ROOT / "tools" / "test.sh").read_text(encoding="utf-8")
    pinned = re.findall(r"[\w-]+==[\d.]+", runs)
    assert len(pinned) == 3
    assert all(each in everything for each in pinned)


def test_the_recipe_asks_for_what_the_package_asks_for():
    yaml = pytest.importorskip("yaml")
    recipe = yaml.safe_load((ROOT / "tools" / "conda" / "recipe.yaml").read_text())
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (block,) = re.findall(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    wanted = {
        name.replace("typing-extensions", "typing_extensions").replace("torch", "pytorch"): floor
        for name, floor in re.findall(r'"([\w-]+)>=([\d.]+)"', block)
    }
    found = dict(line.split(" >=") for line in recipe["requirements"]["run"])
    assert found.pop("python") == "3.10"
    assert found == wanted
