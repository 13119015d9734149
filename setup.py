"""What pyproject.toml cannot say.

``configs/`` lies at the top of the project and is the only source. A build copies it into the
package, where :func:`seglosses.hosts.config_files.config_folder` finds it; a source distribution
holds it as it is. Compiled kernels are of wheels alone. Links of the README lead to the project's
home, for an index shows it without the files beside it.
"""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).parent


class BuildWithConfigs(build_py):
    """Copies the configs into the package that is built; an editable one reads them in place."""

    def run(self):
        """Build the modules, then copy."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "seglosses", "configs")
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(ROOT / "configs", target, ignore=shutil.ignore_patterns("__pycache__"))


class SourcesWithConfigs(sdist):
    """Adds the configs and the words of a release; leaves out compiled kernels and some tests.

    setuptools would pick the tests of the top folder alone; what runs them is a clone.
    """

    def make_distribution(self):
        """Complete the list of files, and write the archive."""
        more = [*ROOT.glob("configs/**/*.py"), ROOT / "CHANGELOG.md", ROOT / "CITATION.cff"]
        without = {"_shipped_kernels", "tests"}
        kept = [file for file in self.filelist.files if not without & set(Path(file).parts)]
        found = {*kept, *(path.relative_to(ROOT).as_posix() for path in more)}
        self.filelist.files = sorted(found)
        super().make_distribution()


def readme():
    """README.md with links and pictures that work anywhere."""
    told = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    home = re.search(r'^Source = "([^"]+)"', told, re.MULTILINE)[1]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r'(<img src="|!\[[^\]]*\]\()(?!\w+:)', rf"\1{home}/raw/main/", text)
    return re.sub(r"(?<!!)\[([^\]]*)\]\((?![\w]+:|#)", rf"[\1]({home}/blob/main/", text)


setup(
    long_description=readme(),
    long_description_content_type="text/markdown",
    cmdclass={"build_py": BuildWithConfigs, "sdist": SourcesWithConfigs},
)
