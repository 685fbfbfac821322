"""Which code it is, by its files, and by Git where the package is in a checkout of its own."""

import pathlib
import shutil
import subprocess

import pytest

from app.bench.revision import Revision, revision


@pytest.fixture
def package(tmp_path):
    made = tmp_path / "outer" / "app"
    (made / "part").mkdir(parents=True)
    (made / "__init__.py").write_text("")
    (made / "part" / "a.py").write_text("1\n")
    return made


def git(folder, *words):
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, stdout=subprocess.DEVNULL)


def checkout(package):
    if not shutil.which("git"):
        pytest.skip("no git here")
    git(package.parent, "init", "-q")
    git(package.parent, "add", "app")
    git(package.parent, "commit", "-qm", "first")


def test_code_is_known_by_its_files_alone(package):
    first = revision(package)
    assert len(first.code) == 64 and first.commit == ""
    (package / "notes.txt").write_text("no code")
    (package / "part" / "a.pyc").write_text("nor is this")
    assert revision(package) == first
    (package / "part" / "a.py").write_text("2\n")
    second = revision(package)
    assert second.code != first.code
    (package / "part" / "a.py").rename(package / "part" / "b.py")
    assert revision(package).code not in (first.code, second.code)


def test_a_checkout_has_a_commit_and_says_that_files_are_changed(package):
    checkout(package)
    clean = revision(package)
    assert len(clean.commit) == 12 and set(clean.commit) <= set("0123456789abcdef")
    (package.parent / "README.md").write_text("not of the package")
    assert revision(package) == clean
    (package / "part" / "a.py").write_text("2\n")
    assert revision(package).commit == clean.commit + "+"


def test_the_checkout_of_something_else_is_not_ours(package):
    """A virtual environment often lies in a project's own folder."""
    checkout(package)
    other = package.parent / "venv" / "app"
    shutil.copytree(str(package), str(other))
    assert revision(other) == Revision(revision(package).code, "")


def test_what_is_not_there_has_no_name(package, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert revision(package).commit == "" and revision(package).code
    empty = revision(pathlib.Path("/nowhere"))
    assert empty.commit == ""


def test_this_package():
    assert len(revision().code) == 64
