"""Edits that make references, unions, tags and inheritance wrong."""

from __future__ import annotations

from tests.codegen.cases.spoilt import SCHEMAS, Spoilt


def _read(schema: str, old: str, new: str, says: str) -> Spoilt:
    """What is wrong with the values further inside that a schema lets be read as its own."""
    return Spoilt("things", old, new, "reads", f"{SCHEMAS}/{schema}", says)


REFERENCES = {
    "dangling reference": Spoilt(
        "things",
        "shelf: {$ref: '#/components/schemas/Shelf'}",
        "shelf: {$ref: '#/components/schemas/Shelv'}",
        "ref",
        f"{SCHEMAS}/Book/properties/shelf/$ref",
        "Shelv",
    ),
    "reference to elsewhere": Spoilt(
        "things",
        "shelf: {$ref: '#/components/schemas/Shelf'}",
        "shelf: {$ref: 'shelf.yaml#/Shelf'}",
        "ref",
        f"{SCHEMAS}/Book/properties/shelf/$ref",
    ),
    "dangling error": Spoilt(
        "library", "#/components/errors/LoanFailed'", "#/components/errors/LoanLost'", "ref", "/methods/2/errors/1"
    ),
    "inline error": Spoilt(
        "library", "{$ref: '#/components/errors/Failed'}", "{code: 1, message: No.}", "ref", "/methods/0/errors/0"
    ),
    "missing mapping": Spoilt(
        "things",
        "          leather: '#/components/schemas/CoverLeather'\n",
        "",
        "discriminator",
        f"{SCHEMAS}/Cover/discriminator/mapping",
        "CoverLeather",
    ),
    "no discriminator": Spoilt(
        "library",
        "      discriminator:\n        propertyName: by\n        mapping:\n"
        "          title: '#/components/schemas/QueryTitle'\n          shelf: '#/components/schemas/QueryShelf'\n",
        "",
        "discriminator",
        f"{SCHEMAS}/Query",
    ),
    "tag mismatch": Spoilt(
        "things", "type: {const: paper}", "type: {const: cloth}", "tag", f"{SCHEMAS}/CoverPaper", "cloth"
    ),
    "no tag": Spoilt(
        "things", "        type: {const: paper}", "        type: {type: string}", "tag", f"{SCHEMAS}/CoverPaper"
    ),
    "optional tag": Spoilt(
        "things", "      required: [type]\n", "      required: []\n", "tag", f"{SCHEMAS}/CoverPaper/properties/type"
    ),
    "two-level tag": Spoilt(
        "things",
        "        color: {type: string}",
        "        color: {const: red}",
        "tag",
        f"{SCHEMAS}/CoverLeather/properties/color",
        "merge",
    ),
    "union of unions": Spoilt(
        "things",
        "        - $ref: '#/components/schemas/CoverPaper'\n",
        "        - $ref: '#/components/schemas/Mark'\n",
        "discriminator",
        f"{SCHEMAS}/Cover",
    ),
    "tag without union": Spoilt(
        "things", "        not_lent: {type: boolean}", "        not_lent: {const: 'yes'}", "tag", f"{SCHEMAS}/NoLoan"
    ),
    "inline arm": Spoilt(
        "things",
        "        - $ref: '#/components/schemas/CoverPaper'\n",
        "        - {type: object}\n",
        "inline",
        f"{SCHEMAS}/Cover/oneOf/0",
    ),
    "base that is an arm": Spoilt(
        "things",
        "allOf: [{$ref: '#/components/schemas/Book'}]",
        "allOf: [{$ref: '#/components/schemas/CoverPaper'}]",
        "inheritance",
        f"{SCHEMAS}/RareBook",
    ),
    "field of the base again": Spoilt(
        "things",
        "        price: {type: number",
        "        title: {type: string}\n        price: {type: number",
        "inheritance",
        f"{SCHEMAS}/RareBook/properties/title",
    ),
    "file cycle": Spoilt(
        "things",
        "        free: {description: Whatever was said about it.}",
        "        free: {$ref: '#/components/schemas/DoorReply'}",
        "file-cycle",
        SCHEMAS,
        "things.yaml needs library.yaml for Shelf",
        found_in="library",
    ),
    "alias cycle": Spoilt(
        "things",
        "    BookId:\n      description: Identifier of a book.\n      type: string",
        "    BookId:\n      description: Identifier of a book.\n      type: array\n"
        "      items: {$ref: '#/components/schemas/BookId'}",
        "type-cycle",
        f"{SCHEMAS}/BookId",
        "BookId -> BookId",
    ),
    "unreachable": Spoilt(
        "things",
        "    BookId:\n",
        "    Nobody:\n      description: For nobody.\n      type: string\n\n    BookId:\n",
        "unreachable",
        f"{SCHEMAS}/Nobody",
    ),
    "received and closed": Spoilt(
        "things",
        "      required: [not_lent]",
        "      additionalProperties: false\n      required: [not_lent]",
        "closed",
        f"{SCHEMAS}/NoLoan",
    ),
    "two base classes": Spoilt(
        "things",
        "        unknown: UnknownCover\n",
        "        unknown: UnknownCover\n        table: true\n",
        "union-base",
        f"{SCHEMAS}/LibraryEvent",
        "Cover has the table",
        found_in="library",
    ),
    "read that leads nowhere": _read("Loan", "book.title", "book.name", "`book.name` leads to no field"),
    "read that leads through a list": _read("Loan", "book.title", "book.parts.title", "leads to no field"),
    "read with the name of a field": _read("Loan", "{title: book.title", "{words: book.title", "`words` is taken"),
    "read that no arm has": _read("Cover", "hex: paint.hex", "hex: paint.rgb", "leads to no field of any arm"),
    "read of an arm with the name of another field": _read(
        "Cover", "color: color", "color: paint.hex", "something else in CoverLeather"
    ),
    "read with the name of the tag": _read("Cover", "hex: paint.hex", "type: paint.hex", "`type` is taken"),
    "raw with the name of a read": _read("Cover", "raw: raw", "raw: color", "`color` is taken"),
    "read of what is only sent": Spoilt(
        "library",
        "      description: By title.\n",
        "      description: By title.\n      x-python: {reads: {words: title.words}}\n",
        "reads",
        f"{SCHEMAS}/QueryTitle",
        "only sent",
    ),
    "tag that is no string": Spoilt(
        "things", "type: {const: paper}", "type: {const: 1}", "tag", f"{SCHEMAS}/CoverPaper/properties/type", "string"
    ),
    "base that is no struct": Spoilt(
        "things",
        "allOf: [{$ref: '#/components/schemas/Book'}]",
        "allOf: [{$ref: '#/components/schemas/BookId'}]",
        "inheritance",
        f"{SCHEMAS}/RareBook",
        "no struct",
    ),
    "tag that the base has as a field": Spoilt(
        "things",
        "      description: A stamp.\n",
        "      description: A stamp.\n      allOf: [{$ref: '#/components/schemas/Shelf'}]\n",
        "inheritance",
        f"{SCHEMAS}/MarkStamp",
        "its tag `kind`",
    ),
    "arm of a union with a base class that has another base": Spoilt(
        "library",
        "      description: Somebody was loud.\n",
        "      description: Somebody was loud.\n      allOf: [{$ref: '#/components/schemas/LendResult'}]\n",
        "inheritance",
        f"{SCHEMAS}/Noise",
        "base class of LibraryEvent",
    ),
    "arm that is no struct": Spoilt(
        "things",
        "      description: A stamp.\n      type: object\n      required: [kind, text]\n      properties:\n"
        "        kind: {const: stamp}\n        text: {type: string}\n",
        "      description: A stamp.\n      type: string\n",
        "discriminator",
        f"{SCHEMAS}/Mark",
        "no struct",
    ),
    "arm of two unions with base classes": Spoilt(
        "library",
        "    LightsOut:\n",
        "    Other:\n      description: Another union.\n      x-python: {base: Any1, unknown: UnknownAny1}\n"
        "      oneOf:\n        - $ref: '#/components/schemas/LightsOut'\n      discriminator:\n"
        "        propertyName: type\n        mapping:\n          lights_out: '#/components/schemas/LightsOut'\n\n"
        "    LightsOut:\n",
        "union-base",
        f"{SCHEMAS}/Other",
        "has the base class of LibraryEvent already",
    ),
}
