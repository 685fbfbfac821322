"""
capture: writes down which names the `tensorrt` on the path has, one line per class.

    PYTHONPATH=.venvs/trt/10.3.0 python3.11 tests/contract/capture.py tests/contract/members
"""

import inspect
import json
import pathlib
import sys

# Of the double-underscore names, those by which code uses a class: with, len, [], for, bool, int.
SPECIAL = {
    "__enter__",
    "__exit__",
    "__len__",
    "__getitem__",
    "__setitem__",
    "__iter__",
    "__bool__",
    "__int__",
}
OWN = {"nptype", "volume"}  # those written in Python; the others there are leftovers


def captured(trt):
    """All public names of a module, and of each class its members with the inherited ones."""
    names = sorted(OWN | {name for name in dir(trt.tensorrt) if name[0] != "_"})
    return {
        "version": trt.__version__,
        "module": names,
        "classes": {
            name: sorted(
                member
                for member in dir(getattr(trt, name))
                if member[0] != "_" or member in SPECIAL
            )
            for name in names
            if inspect.isclass(getattr(trt, name))
        },
    }


def written(names):
    """As JSON of one line per class, which a person can compare."""
    head = '{\n"version": %s,\n"module": %s,\n"classes": {\n'
    lines = (
        json.dumps(name) + ": " + json.dumps(members)
        for name, members in sorted(names["classes"].items())
    )
    text = head % (json.dumps(names["version"]), json.dumps(names["module"]))
    return text + ",\n".join(lines) + "\n}\n}\n"


if __name__ == "__main__":
    import tensorrt

    found = captured(tensorrt)
    path = pathlib.Path(sys.argv[1]) / (found["version"] + ".json")
    path.write_text(written(found), encoding="utf-8")
    print("{}: {} names".format(path, len(found["module"])))
