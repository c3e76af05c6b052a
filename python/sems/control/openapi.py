"""The description of the API that programs can read (OpenAPI 3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from .endpoint import Endpoint
from .views import Problem

_DESCRIPTION = """\
What the control pages use, for programs.

A participant's credential is the last part of the link that came with the call, the operator's is printed
when the server starts; both go into `Authorization: Bearer`. A page may also call the same API below its
own link, at `/c/TOKEN/api/v1`, without a header field. `me` stands for the participant's own id. The owner of
a voice mail box shows its name (or one of its users) and its PIN by `Authorization: Basic`.
"""
_WHO: dict[str, list[str]] = {
    "anyone": [],
    "owner": ["owner", "operator"],
    "participant": ["participant"],
    "operator": ["operator"],
    "both": ["participant", "operator"],
}
_REASONS = {
    401: "No credential, or an unknown one",
    403: "Not allowed to the one who asks; the detail says why",
    404: "There is no such thing, or not any more",
    409: "Not possible as things are; the detail says why",
    410: "The call of this credential has ended",
    413: "The body is too large",
    415: "The body is not JSON",
    416: "There is no such part of it",
    422: "What was sent does not fit",
    429: "Too much at once; Retry-After says when it can be tried again",
    500: "The server failed",
    503: "What this needs does not work now",
}


def document(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """The OpenAPI document of these endpoints."""
    endpoints = list(endpoints)
    models = {model for each in endpoints for model in (each.body, each.answer) if model} | {Problem}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "validation" if _is_body(model, endpoints) else "serialization") for model in ordered],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for each in endpoints:
        path = re.sub(r":[a-z]+}", "}", each.path)
        paths.setdefault(path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "SEMS", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "participant": {"type": "http", "scheme": "bearer", "description": "The token of a link"},
                "operator": {"type": "http", "scheme": "bearer", "description": "The operator's token"},
                "owner": {"type": "http", "scheme": "basic", "description": "A voice mail box and its PIN"},
            },
        },
    }


def _is_body(model: type[BaseModel], endpoints: Iterable[Endpoint]) -> bool:
    return any(each.body is model for each in endpoints)


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "security": [{scheme: []} for scheme in _WHO[endpoint.who]],
        "responses": {"200" if endpoint.answer else "204": _success(endpoint)},
    }
    parameters = [_path_parameter(*found) for found in re.findall(r"{(\w+)(?::(\w+))?}", endpoint.path)]
    parameters += [
        {"name": name, "in": "query", "description": text, "schema": {"type": "integer"}}
        for name, text in endpoint.query.items()
    ]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body:
        operation["requestBody"] = {"required": True, "content": {"application/json": _schema(endpoint.body)}}
    if endpoint.media_type.startswith("audio/"):
        operation["responses"]["206"] = {**_success(endpoint), "description": "The part that Range asks for"}
    # A link can be unknown, not be open yet, or have ended.
    links = () if endpoint.who == "anyone" else (401, 404, 409, 410)
    for status in sorted({403, 429, 500, *links, *endpoint.errors}):
        operation["responses"][str(status)] = {
            "description": _REASONS[status],
            "content": {"application/problem+json": _schema(Problem)},
        }
    return operation


def _success(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.answer is None:
        return {"description": "Done"}
    is_binary = endpoint.media_type.startswith("audio/")
    return {
        "description": "Done",
        "content": {endpoint.media_type: {} if is_binary else _schema(endpoint.answer)},
    }


def _path_parameter(name: str, convertor: str) -> dict[str, Any]:
    schema = {"type": "integer"} if convertor == "int" else {"type": "string"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
