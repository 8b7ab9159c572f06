"""The JSON Schema of a configuration, as an editor applies it: YAML 1.2, where `off` is a word."""
import functools
import json
import re

import jsonschema
import yaml

import harness


class Loader(yaml.SafeLoader):
    """YAML 1.2's core schema: only true and false are booleans, and a time is a text."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", r"[-+]?[0-9]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""])):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), list(first))


@functools.cache
def validator(part=False):
    schema = json.loads((harness.ROOT / "docs" / "tidegate.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    if part:  # a file that another one includes
        schema = {"$ref": "#/$defs/part", "$defs": schema["$defs"]}
    return jsonschema.Draft202012Validator(schema)


def faults(text, part=False):
    """What an editor would underline."""
    error = jsonschema.exceptions.best_match(validator(part).iter_errors(yaml.load(text, Loader)))
    return [] if error is None else [f"{'.'.join(map(str, error.absolute_path))}: {error.message}"]
