"""Edits that make a schema no known form, or a file no file of a contract."""

from __future__ import annotations

from tests.codegen.cases.spoilt import SCHEMAS, Spoilt

FORMS = {
    "not yaml": Spoilt("things", "components:\n", "components: [\n", "yaml", "/"),
    "duplicate key": Spoilt(
        "things",
        "        title: {type: string}\n",
        "        title: {type: string}\n        title: {type: string}\n",
        "duplicate-key",
        f"{SCHEMAS}/Book/properties/title",
    ),
    "anchor": Spoilt("things", "id: {type: string}", "id: &id {type: string}", "yaml-anchor", f"{SCHEMAS}/Shelf/prop"),
    "date": Spoilt("library", "default: name}", "default: 2024-01-01}", "yaml", "/methods/0/params/2/schema/default"),
    "unknown key of a file": Spoilt(
        "errors", "components:\n", "servers: []\ncomponents:\n", "unknown-keyword", "/servers"
    ),
    "unknown keyword": Spoilt(
        "things",
        "from: {type: integer, minimum: 0}",
        "from: {type: integer, multipleOf: 2}",
        "unknown-keyword",
        f"{SCHEMAS}/Shelf/properties/from/multipleOf",
    ),
    "keyword beside a reference": Spoilt(
        "things",
        "cover: {$ref: '#/components/schemas/Cover'}",
        "cover: {$ref: '#/components/schemas/Cover', minLength: 1}",
        "unknown-keyword",
        f"{SCHEMAS}/Book/properties/cover/minLength",
    ),
    "unknown key of a method": Spoilt(
        "library",
        "    x-mutates: false\n",
        "    x-mutates: false\n    tags: []\n",
        "unknown-keyword",
        "/methods/0/tags",
    ),
    "what bundling adds": Spoilt(
        "library",
        "    x-mutates: false\n",
        "    x-mutates: false\n    paramStructure: by-name\n",
        "unknown-keyword",
        "/methods/0/paramStructure",
    ),
    "boolean schema": Spoilt(
        "things", "get: {type: boolean, default: false}", "get: true", "form", f"{SCHEMAS}/Shelf/properties/get"
    ),
    "unknown type": Spoilt(
        "things", "get: {type: boolean", "get: {type: bool", "form", f"{SCHEMAS}/Shelf/properties/get/type"
    ),
    "unknown format": Spoilt(
        "library", "format: date-time", "format: date", "format", "/methods/2/params/3/schema/format"
    ),
    "array without items": Spoilt(
        "things",
        "list: {type: array, items: {type: string}, default: []}",
        "list: {type: array}",
        "form",
        f"{SCHEMAS}/Shelf/properties/list",
    ),
    "object without properties": Spoilt(
        "things",
        "dict: {type: object, additionalProperties: {type: integer}, default: {}}",
        "dict: {type: object}",
        "form",
        f"{SCHEMAS}/Shelf/properties/dict",
    ),
    "inline struct": Spoilt(
        "things",
        "get: {type: boolean, default: false}",
        "get: {type: object, properties: {a: {type: string}}}",
        "inline",
        f"{SCHEMAS}/Shelf/properties/get",
    ),
    "inline union": Spoilt(
        "things",
        "get: {type: boolean, default: false}",
        "get: {anyOf: [{type: string}, {type: integer}]}",
        "nullable",
        f"{SCHEMAS}/Shelf/properties/get/anyOf",
    ),
    "constant outside a tag": Spoilt(
        "things",
        "str: {type: array, items: {type: array, items: {type: [string, 'null']}}}",
        "str: {type: array, items: {const: a}}",
        "const",
        f"{SCHEMAS}/Shelf/properties/str/items/const",
    ),
    "list of types": Spoilt(
        "things",
        "note: {type: [string, 'null']",
        "note: {type: [string, integer]",
        "nullable",
        f"{SCHEMAS}/Shelf/properties",
    ),
    "nullable enum without null": Spoilt(
        "things",
        "state: {type: string, enum: [open, closed]",
        "state: {type: [string, 'null'], enum: [open, closed]",
        "nullable",
        f"{SCHEMAS}/Shelf/properties/state/enum",
    ),
    "enum of numbers": Spoilt("library", "enum: [name, size]", "enum: [1, 2]", "enum", f"{SCHEMAS}/Order/enum"),
    "value twice": Spoilt("library", "enum: [name, size]", "enum: [name, name]", "enum", f"{SCHEMAS}/Order/enum"),
    "untagged union of one": Spoilt(
        "things",
        "        - type: string\n        - type: array",
        "        - type: array",
        "untagged",
        f"{SCHEMAS}/Words",
    ),
    "half a limit of properties": Spoilt("library", "      maxProperties: 1\n", "", "struct", f"{SCHEMAS}/Sticker"),
    "exactly one and required": Spoilt(
        "library",
        "      maxProperties: 1\n",
        "      maxProperties: 1\n      required: [Red]\n",
        "struct",
        f"{SCHEMAS}/Sticker",
    ),
    "open additional properties": Spoilt(
        "library",
        "      additionalProperties: false\n      required: [id]",
        "      additionalProperties: {}\n      required: [id]",
        "struct",
        f"{SCHEMAS}/BookInput/additionalProperties",
    ),
    "required and no property": Spoilt(
        "things", "required: [id, title]", "required: [id, titel]", "required", f"{SCHEMAS}/Book/required", "titel"
    ),
    "two bases": Spoilt(
        "things",
        "allOf: [{$ref: '#/components/schemas/Book'}]",
        "allOf: [{$ref: '#/components/schemas/Book'}, {$ref: '#/components/schemas/Loan'}]",
        "inheritance",
        f"{SCHEMAS}/RareBook/allOf",
    ),
    "default that does not fit": Spoilt(
        "things",
        "field: {type: string, default: wood}",
        "field: {type: string, default: 1}",
        "default",
        f"{SCHEMAS}/Shelf/properties/field",
    ),
    "default that is no value": Spoilt(
        "things", "default: tall}", "default: huge}", "default", f"{SCHEMAS}/Shelf/properties/kind"
    ),
    "default of something required": Spoilt(
        "things",
        "        title: {type: string}",
        "        title: {type: string, default: x}",
        "default",
        f"{SCHEMAS}/Book/properties/title",
    ),
    "filled default of something received": Spoilt(
        "things",
        "items: {type: string}, default: []}",
        "items: {type: string}, default: [a]}",
        "default",
        f"{SCHEMAS}/Shelf/properties/list",
    ),
    "methods that are no list": Spoilt(
        "errors", "components:\n", "methods: {}\ncomponents:\n", "structure", "/methods"
    ),
    "components that are no object": Spoilt(
        "errors",
        "  schemas:\n    LoanFailedData:\n",
        "  schemas:\n    LoanFailedData: []\n    Other:\n",
        "structure",
        f"{SCHEMAS}/LoanFailedData",
    ),
    "parameters that are no list": Spoilt("library", "params: []", "params: {}", "structure", "/methods/1"),
    "parameter that is no object": Spoilt(
        "library",
        "- {name: text, description: Words of the title., schema: {type: string}}",
        "- text",
        "structure",
        "/methods/6/params/0",
    ),
    "file that is no object": Spoilt("domains", "domains:\n", "", "files", "/", "object"),
    "key that is no string": Spoilt(
        "things", "        title: {type: string}\n", "        1: {type: string}\n", "yaml", f"{SCHEMAS}/Book/properties"
    ),
    "errors that are no object": Spoilt(
        "things",
        "  schemas:\n    BookId:\n",
        "  errors: []\n  schemas:\n    BookId:\n",
        "structure",
        "/components/errors",
    ),
    "method without a name": Spoilt("library", "- name: shelf/names", "- nom: shelf/names", "structure", "/methods/1"),
    "named enum of numbers": Spoilt(
        "library", "type: string\n      enum: [name", "type: integer\n      enum: [name", "enum", f"{SCHEMAS}/Order"
    ),
    "struct that is no object": Spoilt(
        "things",
        "      type: object\n      required: [loan_id, book]",
        "      type: array\n      required: [loan_id, book]",
        "struct",
        f"{SCHEMAS}/Loan",
    ),
}
