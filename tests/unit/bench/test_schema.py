import json
import pathlib

import jsonschema
import pytest

from app.bench import results, schema
from app.errors import ConfigError
from tests import measured

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "configs" / "bench.schema.json").read_text())
EVERYTHING = measured.everything()


def test_the_schema_in_configs_is_what_the_code_writes():
    """To mend: scripts/schema."""
    assert json.loads(json.dumps(schema.schema())) == SCHEMA
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_a_document_is_valid_and_comes_back(name, tmp_path):
    path = str(tmp_path / "a.json")
    results.write(path, EVERYTHING[name])
    jsonschema.Draft7Validator(SCHEMA).validate(json.loads(pathlib.Path(path).read_text()))
    if name != "evil":  # whose control characters are not kept
        assert results.read(path) == EVERYTHING[name]


def broken(where, value):
    """A document's values with one of them changed, or without it where it is KeyError."""
    found = json.loads(results.text(EVERYTHING["grid"]))
    place = found
    for key in where[:-1]:
        place = place[key]
    if value is KeyError:
        del place[where[-1]]
    else:
        place[where[-1]] = value
    return found


RUN = ("trials", 0, "runs", 0)


@pytest.mark.parametrize(
    "where, value",
    [
        (("format",), "jetwatch-bench/0"),
        (("command",), KeyError),
        (("extra",), 1),
        (("interrupted",), 0),
        (("notes",), "a"),
        (("machine", "cores"), 1.5),
        (("machine", "cores"), True),
        (("trials", 0, "config"), "a: 1"),
        (("trials", 0, "setting", "size"), 320),
        (RUN + ("fps",), "30"),
        (RUN + ("latency",), None),
        (RUN + ("timeline", 0), [1.0, 2.0]),
        (RUN + ("histogram", 0), [1.0, 2.5]),
        (RUN + ("use", "clocks_mhz", "gpu"), None),
    ],
)
def test_code_and_schema_refuse_the_same(where, value, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(broken(where, value)))
    with pytest.raises(ConfigError):
        results.read(str(path))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate(json.loads(path.read_text()))
