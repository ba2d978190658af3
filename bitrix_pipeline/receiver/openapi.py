"""The description of the service for people and tools: served beside the metrics."""

from typing import Any, Final

from bitrix_pipeline.inbox.event import Event

ANSWERS: Final = {
    "202": "Stored: committed to Postgres.",
    "200": "Already stored, with the same body.",
    "401": "Not authentic.",
    "413": "Too large.",
    "415": "Compressed, or of another content type.",
    "429": "Overloaded: try again.",
    "503": "Postgres is away or too slow: try again.",
}
CONFLICT: Final = "The id is known with another body."

Schema = dict[str, Any]


def describe(webhooks: str, bitrix_events: str | None, *, most_bytes: int) -> Schema:
    """OpenAPI 3.1 of the entrances that are open."""
    event = Event.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = {**event.pop("$defs", {}), "Event": event}
    paths: Schema = {webhooks: {"post": _signed(most_bytes)}}
    if bitrix_events:
        paths[bitrix_events] = {"post": _bitrix()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "bitrix-pipeline receiver", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _signed(most_bytes: int) -> Schema:
    return {
        "operationId": "receiveWebhook",
        "summary": "Take a signed webhook (Standard Webhooks 1.0).",
        "description": f"At most {most_bytes} bytes. An authentic body that makes no sense is "
        "stored apart and answered 202.",
        "parameters": [
            _header("webhook-id", r"^[!-\-/-~]{1,255}$", "The same for every attempt; no dot."),
            _header("webhook-timestamp", "^[0-9]{1,11}$", "Unix seconds, at most 300 s off."),
            _header(
                "webhook-signature",
                "^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=){0,15}$",
                'Base64 of the HMAC-SHA256 of "id.timestamp.body", one for each secret.',
            ),
        ],
        "requestBody": _body("application/json", {"$ref": "#/components/schemas/Event"}),
        "responses": _answers({**ANSWERS, "409": CONFLICT}),
    }


def _bitrix() -> Schema:
    fields = {
        "event": {"type": "string", "examples": ["ONSALEORDERSAVED"]},
        "data[FIELDS][ID]": {"type": "string", "examples": ["300"]},
        "ts": {"type": "string", "examples": ["1714649632"]},
        "auth[application_token]": {"type": "string"},
    }
    form = {"type": "object", "properties": fields, "required": ["auth[application_token]"]}
    return {
        "operationId": "receiveBitrixEvent",
        "summary": "Take an outgoing webhook that was made in Bitrix itself.",
        "requestBody": _body("application/x-www-form-urlencoded", form),
        "responses": _answers(ANSWERS),
    }


def _header(name: str, pattern: str, description: str) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
    }


def _body(media_type: str, schema: Schema) -> Schema:
    return {"required": True, "content": {media_type: {"schema": schema}}}


def _answers(answers: dict[str, str]) -> Schema:
    described: Schema = {status: {"description": said} for status, said in answers.items()}
    for status in ("429", "503"):
        described[status]["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
        }
    return described
