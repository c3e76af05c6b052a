"""What is wrong with a file or a value, said to who has written it, since parsers speak to programmers."""

from __future__ import annotations

import re

_FILE = {
    "Invalid value": "no value: texts stand in quotes, and what is so or not is true or false",
    "Unclosed array": "a list ends with ], has a comma between its values, and texts in it stand in quotes",
    "Cannot overwrite a value": "this key is there already",
    "Unescaped '\\' in a string": "a backslash counts twice in \"…\"; in '…' it is one",
    "Expected newline or end of document after a statement": "the line ought to end behind the value",
    "Expected '=' after a key in a key/value pair": "a key is followed by = and its value",
}
_TWICE = re.compile(r"Cannot declare \((.*?),?\) twice")
_VALUE = {
    "string_type": "a text is wanted, in quotes",
    "tuple_type": "a list is wanted, in brackets [ ]",
    "dict_type": "a table is wanted, of keys and values",
    "model_type": "a table is wanted, of keys and values",
    "bool_type": "true or false is wanted",
    "bool_parsing": "true or false is wanted",
    "int_type": "a whole number is wanted",
    "int_parsing": "a whole number is wanted",
    "int_from_float": "a whole number is wanted",
    "float_type": "a number is wanted",
    "float_parsing": "a number is wanted",
}
_DIGITS = re.compile(r"\^\[0-9\]\{(\d+),(\d+)\}\$")


def of_file(message: str) -> str:
    """Of what can't be read as TOML, in place of what ``tomllib`` says."""
    if twice := _TWICE.fullmatch(message):
        return f"[{twice[1].replace(', ', '.').replace(chr(39), '')}] is there already"
    return _FILE.get(message) or message[:1].lower() + message[1:]


def of_value(kind: str, message: str, pattern: str) -> str:
    """Of a value, in place of what pydantic says of an error of this kind."""
    if kind == "string_pattern_mismatch" and (digits := _DIGITS.fullmatch(pattern)):
        return f"{digits[1]} to {digits[2]} digits are wanted"
    message = message.removeprefix("Value error, ")
    return _VALUE.get(kind) or message[:1].lower() + message[1:]
