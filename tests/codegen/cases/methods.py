"""Edits that make methods, wrappers, extensions and descriptions wrong."""

from __future__ import annotations

from tests.codegen.cases.spoilt import SCHEMAS, Spoilt

METHODS = {
    "no wrapper hint": Spoilt("library", "    x-python: {name: names}\n", "", "wrapper-name", "/methods/1"),
    "no statement on mutation": Spoilt(
        "library",
        "x-python: {name: names}\n    x-mutates: false\n",
        "x-python: {name: names}\n",
        "mutates",
        "/methods/1",
    ),
    "parameters without type": Spoilt("library", "    x-params-type: SearchParams\n", "", "params-type", "/methods/6"),
    "type without parameters": Spoilt(
        "library",
        "    x-python: {name: names}\n",
        "    x-python: {name: names}\n    x-params-type: NamesParams\n",
        "params-type",
        "/methods/1/x-params-type",
    ),
    "parameters and a reference": Spoilt(
        "library",
        "    x-params-type: SearchParams\n",
        "    x-params-type: {$ref: '#/components/schemas/Query'}\n",
        "params-type",
        "/methods/6/x-params-type",
    ),
    "required after optional": Spoilt(
        "library",
        "- {name: text, description",
        "- {name: a, description: A., schema: {}}\n      - {name: text, required: true, description",
        "params-order",
        "/methods/6/params/1",
    ),
    "route to nowhere": Spoilt(
        "library", "x-route-by: shelf_id", "x-route-by: shelf", "route", "/methods/9/x-route-by"
    ),
    "unwrapping nothing": Spoilt("library", "unwrap: shelves", "unwrap: racks", "wrapper-hint", "/methods/0", "racks"),
    "marker that is none": Spoilt(
        "library", "none_when: not_lent", "none_when: gone", "wrapper-hint", "/methods/3", "gone"
    ),
    "positional that is none": Spoilt(
        "library",
        "positional: [days]",
        "positional: [weeks]",
        "wrapper-hint",
        "/methods/2/x-python/positional",
        "weeks",
    ),
    "union without request": Spoilt(
        "library", "name: find, request: query", "name: find", "wrapper-hint", "/methods/5"
    ),
    "wrapper of a notification": Spoilt(
        "library",
        "    x-route-by: shelf_id\n    x-python: {wrapper: false}",
        "    x-route-by: shelf_id\n    x-python: {name: event}",
        "wrapper-hint",
        "/methods/9",
    ),
    "extension that is not declared": Spoilt(
        "library", "    x-cancellable: true\n", "    x-fast: true\n", "extension", "/methods/2/x-fast"
    ),
    "extension in the wrong place": Spoilt(
        "things",
        "        title: {type: string}",
        "        title: {type: string, x-data: 1}",
        "extension",
        f"{SCHEMAS}/Book/properties/title/x-data",
    ),
    "extension with a wrong value": Spoilt(
        "library", "x-requires: live", "x-requires: luck", "extension", "/methods/4/x-requires", "luck"
    ),
    "no version": Spoilt("info", "  version: 1.2.3\n", "", "info", "/info"),
    "other OpenRPC": Spoilt("info", "openrpc: 1.3.2", "openrpc: 1.4.0", "info", "/openrpc"),
    "unknown key of the document": Spoilt(
        "info", "openrpc: 1.3.2", "openrpc: 1.3.2\nservers: []", "unknown-keyword", "/servers"
    ),
    "unknown direction": Spoilt(
        "library", "x-direction: server-to-client", "x-direction: sideways", "direction", "/methods/9/x-direction"
    ),
    "hint of a field that is no object": Spoilt(
        "things",
        "x-python: {name: legacy_status}",
        "x-python: legacy_status",
        "extension",
        f"{SCHEMAS}/Shelf/properties/status/x-python",
        "`x-python` is an object",
    ),
    "hint of a method that is no object": Spoilt(
        "library", "x-python: {name: names}", "x-python: names", "extension", "/methods/1/x-python", "is an object"
    ),
    "type of parameters that is no name": Spoilt(
        "library",
        "x-params-type: SearchParams",
        "x-params-type: [SearchParams]",
        "params-type",
        "/methods/6",
        "a name, or",
    ),
    "returning something else": Spoilt(
        "library", "returns: none", "returns: all", "wrapper-hint", "/methods/4/x-python/returns"
    ),
    "hint without a wrapper": Spoilt(
        "library",
        "{wrapper: false, options: OpenOptions}",
        "{wrapper: false, unwrap: door}",
        "wrapper-hint",
        "/methods/7/x-python/unwrap",
        "says nothing",
    ),
    "options of required parameters": Spoilt(
        "library", "none_when: not_lent}", "none_when: not_lent, options: ReadOptions}", "options", "/methods/3"
    ),
    "unwrapping a union": Spoilt(
        "library",
        "none_when: not_lent}",
        "none_when: not_lent, unwrap: loan_id}",
        "wrapper-hint",
        "/methods/3",
        "a union cannot be unwrapped",
    ),
    "extension without schema": Spoilt(
        "extensions", "    schema: {enum: [live]}\n", "", "extension", "/extensions/", "an extension has"
    ),
    "extension with a schema that is none": Spoilt(
        "extensions", "schema: {enum: [live]}", "schema: {enum: live}", "extension", "/extensions/", "no JSON Schema"
    ),
    "extension of no place": Spoilt(
        "extensions", "where: [error]", "where: [nowhere]", "extension", "/extensions/", "no place `nowhere`"
    ),
    "extension twice in one place": Spoilt(
        "extensions",
        "where: [parameter, property]",
        "where: [parameter, parameter]",
        "extension",
        "/extensions/",
        "already",
    ),
}
