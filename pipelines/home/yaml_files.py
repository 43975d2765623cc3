"""YAML files: one strict parser for all of them, and error messages of one line.

Here: parsing settings, matrices, sources, and the headers of models and checks.
Not here: which keys a file may have; each kind of file has its own pydantic model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Strict, ValidationError
from pydantic.fields import FieldInfo

from pipelines.home.errors import HeadwaterError

# Without this, pydantic reads true as the number 1, 1 as true, and "30" as 30.
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Switch = Annotated[bool, Strict()]


class Section(BaseModel):
    """A section of the settings: it has no unknown keys, and is never changed."""

    # Validate defaults too, so that writing a default into the file gives the same value as omitting the key. Otherwise
    # a default could be 7 where the same number in the file is read as 7.0, and the different query texts would make
    # tables stale.
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


_EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a text",
    "tuple_type": "a list such as [a, b]",
    "dict_type": "keys with values below it",
    "too_short": "at least one entry",
    "invalid_key": "a text as the key",
}
"""Kind of a pydantic error → what was expected, for kinds that pydantic describes in terms of Python."""

_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"


def shaped(pattern: str, words: str) -> BeforeValidator:
    """A validator for text that must match *pattern* completely; *words* describe the pattern in the error message."""

    def validate(value: object) -> object:
        if not (isinstance(value, str) and re.fullmatch(pattern, value)):
            raise ValueError(f"expected {words}")
        return value

    return BeforeValidator(validate)


class _Strict(yaml.constructor.SafeConstructor):
    """Makes a YAML loader stricter than PyYAML.

    - A repeated key is an error; PyYAML keeps the last one.
    - Numbers are read as in YAML 1.2: 060 is 60 and 1:30 is text. PyYAML follows YAML 1.1: 060 is 48, 1:30 is 90.
    - A key that is a mapping, or a date that does not exist, is an error with a line number; in PyYAML it has none.
    """

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        """The value of *node*; errors have the line number of *node*."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError, AttributeError) as error:
            kind = {"timestamp": "calendar date", "int": "whole number", "float": "number"}
            suffix = node.tag.rsplit(":", 1)[-1]
            problem = (
                f"'{str(node.value)[:40]}' is not a {kind.get(suffix, suffix)}; correct it, or quote it if it is text"
            )
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """The mapping, after validating its keys."""
        seen: set[object] = set()
        for key_node, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, dict | list | set):
                problem = (
                    "found braces or brackets instead of a key; write a value instead of a template such as "
                    "{{ days }}, and quote text that begins with { or ["
                )
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key '{key}' is repeated", problem_mark=key_node.start_mark)
            seen.add(key)
        return dict(super().construct_mapping(node, deep))


class _Loader(_Strict, yaml.SafeLoader):
    pass


class _FastLoader(_Strict, yaml.CSafeLoader):
    pass


def _whole_number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    """An integer; PyYAML would read 060 as octal."""
    return int(loader.construct_scalar(node))


for _kind in (_Loader, _FastLoader):
    _kind.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_INT, _FLOAT)]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _kind.add_constructor(_INT, _whole_number)
    _kind.add_implicit_resolver(_INT, re.compile(r"[-+]?[0-9]+\Z"), list("-+0123456789"))
    _kind.add_implicit_resolver(
        _FLOAT,
        re.compile(r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z"),
        list("-+.0123456789"),
    )

_DEEPEST = 4_000
"""Texts nested less deeply than this are parsed by libyaml: ten times as fast, but it crashes on very deep texts."""


def parse_yaml(text: str) -> object:
    """The content of a YAML text.

    Raises:
        yaml.YAMLError: it is not valid YAML, repeats a key, has a mapping as a key, or a date that does not exist.
        RecursionError: it is nested too deeply.
    """
    # Each level of nesting needs one of the characters below, or a line that is indented further than the line above
    # it. _DEEPEST such lines begin with _DEEPEST / 2 blanks each on average, so a text with fewer characters in all
    # cannot be nested that deep.
    is_flat = len(text) < 2_000 * _DEEPEST and sum(map(text.count, "[{-?")) < _DEEPEST
    return yaml.load(text, Loader=_FastLoader if is_flat else _Loader)


def read_yaml(path: Path) -> object:
    """The content of a YAML file.

    Raises:
        HeadwaterError: it cannot be read, is not UTF-8 or not valid YAML, repeats a key, has a mapping as a key, or a
            date that does not exist; with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return parse_yaml(text)
    except OSError as error:
        raise HeadwaterError(f"cannot be read: {error.strerror}", where=path) from error
    except UnicodeDecodeError as error:
        raise HeadwaterError(f"not UTF-8 (byte {error.start})", where=path, remedy="save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise HeadwaterError(f"not valid YAML: {error.problem}", where=f"{path}{line}") from error
    except yaml.YAMLError as error:
        raise HeadwaterError(f"not valid YAML: {error}", where=path) from error
    except RecursionError as error:
        raise HeadwaterError("nested too deeply", where=path, remedy="look for brackets that are not closed") from error


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """The errors of a pydantic validation in one line: for each the key, what was found and what was expected."""
    return "; ".join(_describe_one(dict(fault), model) for fault in error.errors())


def _describe_one(fault: dict[str, object], model: type[BaseModel]) -> str:
    location = fault["loc"]
    assert isinstance(location, tuple)
    message = str(fault["msg"]).removeprefix("Value error, ")
    message = f"{message[0].lower()}{message[1:]}"
    if location[-1:] == ("[key]",):  # pydantic marks an error in the key itself, not in its value, with this text
        return f"key '{'.'.join(map(str, location[:-1]))}': {message}"
    key = ".".join(map(str, location))
    if fault["type"] == "extra_forbidden":
        return f"unknown key '{key}'; expected one of {', '.join(_keys_below(location[:-1], model))}"
    if fault["type"] == "missing":
        return f"key '{key}' is missing"
    found = as_written(fault["input"])
    if fault["type"] == "model_type":
        return f"'{key}' is {found}: expected keys such as {', '.join(_keys_below(location, model))} below it"
    expected = _EXPECTED.get(str(fault["type"]))
    return f"'{key}' is {found}: {f'expected {expected}' if expected else message}"


def as_written(value: object) -> str:
    """*value* as in the file: true, not True."""
    if value is None:
        return "empty"
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, bool | list | dict) else repr(value)


def _keys_below(location: tuple[str | int, ...], model: type[BaseModel]) -> list[str]:
    """The keys that are allowed at *location*, as written in the file."""
    section = model
    parts = iter(location)
    for part in parts:
        field = _fields(section).get(str(part))
        if field is None:
            continue
        section = next(_models(field.annotation), section)
        if get_origin(field.annotation) in (dict, tuple):
            next(parts, None)  # skip the key of a dict or the index of a list
    return list(_fields(section))


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of *model* by their names in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """The pydantic models in *annotation*, also nested ones such as in ``dict[str, Model]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
