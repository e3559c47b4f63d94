"""The golden package does what its annotations say: decoding, encoding, wrappers, tables."""

from __future__ import annotations

import copy
import inspect
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec import UNSET

from meerkat._core.codec import Decoder, encode, to_builtins
from meerkat._core.errors import InvalidArgumentError, MeerkatError
from meerkat._core.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from meerkat._core.method import Method

    Golden = Callable[[str], ModuleType]

SHELF: dict[str, Any] = {"id": "s1", "class": "A", "from": 3, "note": None}
BOOK: dict[str, Any] = {"id": "b1", "title": "One"}


def decoded(type_: Any, value: Any) -> Any:
    return Decoder[Any](type_, "value").decode(msgspec.json.encode(value))


class TestStructs:
    def test_absent_fields_have_their_defaults(self, golden: Golden) -> None:
        shelf = decoded(golden("types.things").Shelf, SHELF)
        assert (shelf.class_, shelf.from_, shelf.note) == ("A", 3, None)
        assert (shelf.list, shelf.dict, shelf.str, shelf.field_, shelf.get_) == ([], {}, None, "wood", False)
        assert shelf.kind == "tall"
        assert to_builtins(shelf) == SHELF

    def test_wire_names_survive_a_round_trip(self, golden: Golden) -> None:
        value = {
            **SHELF,
            "list": ["x"],
            "dict": {"a": 1},
            "str": [["y", None]],
            "field": "steel",
            "get": True,
            "keys": 1.5,
            "camelCase": "c",
            "odd-name": BOOK,
            "state": "melted",
            "status": "old",
            "free": {"any": [1, None]},
        }
        shelf = decoded(golden("types.things").Shelf, value)
        assert (shelf.camel_case, shelf.odd_name.title, shelf.legacy_status) == ("c", "One", "old")
        assert shelf["odd-name"] is shelf.odd_name
        assert to_builtins(shelf) == value

    def test_missing_required_field_is_refused(self, golden: Golden) -> None:
        with pytest.raises(msgspec.ValidationError, match=r"`note`"):
            decoded(golden("types.things").Shelf, {"id": "s1", "class": "A", "from": 3})

    def test_unknown_field_is_ignored(self, golden: Golden) -> None:
        assert to_builtins(decoded(golden("types.things").Shelf, {**SHELF, "new": 1})) == SHELF

    def test_recursion_and_inheritance(self, golden: Golden) -> None:
        things = golden("types.things")
        value = {**BOOK, "parts": [{**BOOK, "shelf": SHELF}], "price": 2.5}
        book = decoded(things.RareBook, value)
        assert isinstance(book, things.Book)
        assert book.parts[0].shelf.id == "s1"
        assert to_builtins(book) == value

    def test_frozen(self, golden: Golden) -> None:
        book = golden("types.things").Book(id="b", title="t")
        with pytest.raises(AttributeError):
            book.title = "other"


class TestEnumsAndUnions:
    def test_received_enum_is_open(self, golden: Golden) -> None:
        things = golden("types.things")
        kind = decoded(things.ShelfKind, "wide")
        assert not kind.is_known
        assert kind == "wide"
        assert things.ShelfKind.VALUE_2_DOORS == "2-doors"
        assert things.ShelfKind.DISABLED_BY_POLICY == "DisabledByPolicy"

    def test_arm_is_told_by_its_tag(self, golden: Golden) -> None:
        things = golden("types.things")
        book = decoded(things.Book, {**BOOK, "cover": {"type": "leather", "color": "red"}})
        assert book.cover == things.CoverLeather(color="red")
        assert book.cover.type == book.cover["type"] == "leather"

    @pytest.mark.parametrize("cover", [{"type": "gold", "carat": 14}, {"color": "red"}])
    def test_unknown_arm_is_kept(self, golden: Golden, cover: dict[str, Any]) -> None:
        value = {**BOOK, "cover": cover}
        book = decoded(golden("types.things").Book, value)
        assert isinstance(book.cover, Unknown)
        assert book.cover.tag == cover.get("type")
        assert msgspec.json.decode(encode(book)) == value

    def test_union_of_one_arm_checks_its_tag(self, golden: Golden) -> None:
        things = golden("types.things")
        value = {
            "loan_id": "l",
            "book": BOOK,
            "words": [{"kind": "stamp", "text": "x"}, {"kind": "seal", "text": "y"}],
            "marks": {"a": {"kind": "seal"}},
        }
        loan = decoded(things.Loan, value)
        assert loan.words[0] == things.MarkStamp(text="x")
        assert isinstance(loan.words[1], Unknown)
        assert isinstance(loan.marks["a"], Unknown)
        assert to_builtins(loan) == value

    def test_untagged_union_by_kind_of_json(self, golden: Golden) -> None:
        assert decoded(golden("types.things").Words, "text") == "text"

    def test_untagged_union_takes_the_first_that_fits(self, golden: Golden) -> None:
        things = golden("types.things")
        assert isinstance(decoded(things.Answer, {"loan_id": "l", "book": BOOK}), things.Loan)
        assert isinstance(decoded(things.Answer, {"not_lent": True}), things.NoLoan)
        with pytest.raises(msgspec.ValidationError, match="Answer"):
            decoded(things.Answer, {"lent": True})

    def test_arms_with_a_common_base(self, golden: Golden) -> None:
        library, base = golden("types.library"), golden("types.happening_base")
        decoder = golden("methods.library").LIBRARY_EVENT.decoder
        noise = decoder.convert({"shelf_id": "s", "event": {"type": "noise", "decibel": 90}}).event
        assert isinstance(noise, base.Happening)
        assert noise == library.Noise(decibel=90)
        unknown = decoder.convert({"shelf_id": "s", "event": {"type": "smell", "of": "tea"}}).event
        assert isinstance(unknown, base.UnknownHappening)
        assert unknown.type == "smell"
        malformed = decoder.convert({"shelf_id": "s", "event": {"type": "noise", "decibel": "loud"}}).event
        assert isinstance(malformed, base.UnknownHappening)
        assert "decibel" in (malformed.error or "")
        match unknown:
            case base.UnknownHappening(type="smell", data={"of": "tea"}):
                matched = True
            case _:
                matched = False
        assert matched
        by_tag = golden("events").EVENT_TYPES
        assert by_tag == {"lights_out": library.LightsOut, "noise": library.Noise}


LEATHER: dict[str, Any] = {"type": "leather", "color": "red"}
PAINT: dict[str, Any] = {"hex": "#f00", "maker": {"name": "Ada"}, "tags": {"a": "b"}}


READS: list[tuple[dict[str, Any], tuple[Any, ...]]] = [
    ({"type": "paper"}, (None, None, None, [], {}, None, None)),
    (LEATHER, ("red", None, None, [], {}, None, None)),
    ({**LEATHER, "layers": ["x"], "paint": PAINT}, ("red", "#f00", "Ada", ["x"], {"a": "b"}, None, None)),
    ({**LEATHER, "paint": {**PAINT, "maker": None}}, ("red", "#f00", None, [], {"a": "b"}, None, None)),
    ({"type": "gold"}, (None, None, None, [], {}, "gold", {"type": "gold"})),
    (
        {"type": "gold", "color": 1, "paint": {"maker": "Ada", "hex": []}},
        (1, [], None, [], {}, "gold", {"type": "gold", "color": 1, "paint": {"maker": "Ada", "hex": []}}),
    ),
]


class TestReads:
    def test_of_a_struct(self, golden: Golden) -> None:
        loan = decoded(golden("types.things").Loan, {"loan_id": "l", "book": BOOK})
        assert (loan.title, loan.shelf_id, loan.list) == ("One", None, [])
        loan = decoded(golden("types.things").Loan, {"loan_id": "l", "book": {**BOOK, "shelf": SHELF}})
        assert loan.shelf_id == "s1"

    @pytest.mark.parametrize(
        ("cover", "read"),
        READS,
    )
    def test_of_every_arm(self, golden: Golden, cover: dict[str, Any], read: tuple[Any, ...]) -> None:
        found = decoded(golden("types.things").Book, {**BOOK, "cover": cover}).cover
        names = ("color", "hex", "maker", "layers", "tags", "raw_type", "raw")
        assert tuple(getattr(found, name) for name in names) == read
        assert found.type == cover["type"]

    def test_are_no_fields(self, golden: Golden) -> None:
        things = golden("types.things")
        value = {"loan_id": "l", "book": {**BOOK, "cover": {**LEATHER, "paint": PAINT}}}
        loan = decoded(things.Loan, value)
        assert to_builtins(loan) == msgspec.json.decode(encode(loan)) == value
        assert loan == decoded(things.Loan, value)
        assert "title" not in loan
        assert loan.get("title") is None
        assert "shelf_id" not in repr(loan)
        with pytest.raises(TypeError, match="title"):
            things.Loan(loan_id="l", book=loan.book, title="x")
        with pytest.raises(AttributeError):
            loan.title = "other"
        match loan:
            case things.Loan(title="One", book=things.Book(cover=things.CoverLeather(hex="#f00"))):
                matched = True
            case _:
                matched = False
        assert matched


class TestTags:
    def test_the_constructor_takes_the_tag(self, golden: Golden) -> None:
        things = golden("types.things")
        leather = things.CoverLeather(type="leather", color="red")
        assert leather == things.CoverLeather(color="red")
        assert things.CoverLeather(**LEATHER) == leather
        assert to_builtins(leather) == LEATHER
        assert repr(leather) == repr(things.CoverLeather(color="red"))
        assert golden("types.library").QueryTitle(by="title", title="x").by == "title"

    def test_another_tag_is_refused(self, golden: Golden) -> None:
        things = golden("types.things")
        with pytest.raises(TypeError, match="the type of CoverLeather is 'leather'"):
            things.CoverLeather(type="paper", color="red")
        with pytest.raises(TypeError, match="color"):
            things.CoverLeather(type="leather")

    def test_arms_are_copied_pickled_and_replaced(self, golden: Golden) -> None:
        leather = golden("types.things").CoverLeather(color="red")
        assert pickle.loads(pickle.dumps(leather)) == copy.copy(leather) == leather
        assert msgspec.structs.replace(leather, color="blue").type == "leather"


class TestLimits:
    """Limits of what is both sent and received hold for what is sent."""

    @pytest.mark.parametrize(
        ("cover", "says"),
        [
            ({**LEATHER, "height": 0}, r"Expected `int` >= 1 - at `\$\.cover\.height`"),
            ({**LEATHER, "layers": ["x"] * 4}, r"length <= 3 - at `\$\.cover\.layers`"),
            ({**LEATHER, "layers": ["x", "x" * 10]}, r"length <= 9 - at `\$\.cover\.layers\[1\]`"),
        ],
    )
    def test_beyond_them(self, golden: Golden, cover: dict[str, Any], says: str) -> None:
        things = golden("types.things")
        assert to_builtins(decoded(things.Book, {**BOOK, "cover": cover}).cover) == cover
        for given in (cover, decoded(things.Book, {**BOOK, "cover": cover}).cover):
            with pytest.raises(InvalidArgumentError, match=says):
                golden("methods.library").LIBRARY_OPEN.encode_params({"door": "d", "cover": given})

    @pytest.mark.parametrize("more", [{"height": 1}, {"height": None}, {"layers": ["x" * 9] * 3}, {}])
    def test_within_them(self, golden: Golden, more: dict[str, Any]) -> None:
        sent = golden("methods.library").LIBRARY_OPEN.encode_params({"door": "d", "cover": {**LEATHER, **more}})
        given = {key: value for key, value in more.items() if value is not None}
        assert msgspec.json.decode(sent)["cover"] == {**LEATHER, **given}


class Recorder:
    """Takes the place of a client: keeps what a wrapper would send, and answers what it is told."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.sent: list[tuple[str, Any]] = []

    async def _call(self, method: Method[Any], params: Mapping[str, Any] | msgspec.Struct | None = None) -> Any:
        self.sent.append((method.name, msgspec.json.decode(method.encode_params(params))))
        return method.decode(msgspec.json.encode(self.answer))


def calls(golden: Golden, answer: Any = None) -> Any:
    return type("Client", (Recorder, golden("methods").AllCalls), {})(answer)


def finish(call: Any) -> Any:
    """Run a coroutine that never waits."""
    try:
        call.send(None)
    except StopIteration as done:
        return done.value
    pytest.fail("it waits")


class TestWrappers:
    def test_absence_null_and_constant(self, golden: Golden) -> None:
        client = calls(golden, {"refused": False})
        result = finish(client.lend({"id": "b"}, "A", None, note=None))
        assert result == golden("types.library").LendResult(refused=False)
        assert client.sent == [
            (
                "book/lend",
                {"book": {"id": "b"}, "format": "generic_json", "class": "A", "until": None, "note": None},
            )
        ]

    def test_structs_and_mappings_are_both_taken(self, golden: Golden) -> None:
        library = golden("types.library")
        client = calls(golden, True)
        books = (library.BookInput(id="a", camel_case="x"), {"id": "b", "copy": 2, "mood": "new"})
        with pytest.warns(DeprecationWarning, match=r"give_back\(\) is deprecated"):
            assert finish(client.give_back(books, labels={"a": {"Red": "r"}})) is None
        sent = {
            "books": [{"id": "a", "camelCase": "x"}, {"id": "b", "copy": 2, "mood": "new"}],
            "labels": {"a": {"Red": "r"}},
        }
        assert client.sent == [("book/return", sent)]

    @pytest.mark.parametrize(
        ("arguments", "path"),
        [
            ({"book": {"id": "b", "colour": "red"}}, "$.book"),
            ({"book": {"id": "b", "copy": 0}}, "$.book.copy"),
            ({"book": {"id": "b", "mood": "sad"}}, "$.book.mood"),
            ({"days": "many"}, "$.days"),
            ({"flags": ["burn"]}, "$.flags"),
        ],
    )
    def test_wrong_argument_is_refused_with_its_path(
        self, golden: Golden, arguments: dict[str, Any], path: str
    ) -> None:
        client = calls(golden, {"refused": False})
        with pytest.raises(InvalidArgumentError) as caught:
            finish(client.lend(**{"book": {"id": "b"}, "class_": "A", "until": None, **arguments}))
        assert path in str(caught.value)
        assert not client.sent

    def test_deprecated_parameters_warn_when_given(self, golden: Golden) -> None:
        client = calls(golden, {"refused": True})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert finish(client.lend({"id": "b"}, "A", None)) is None
        with pytest.warns(DeprecationWarning, match="old_note"):
            finish(client.lend({"id": "b"}, "A", None, old_note="x"))
        with pytest.warns(DeprecationWarning, match="old_mark"):
            finish(client.lend({"id": "b"}, "A", None, old_mark=None))

    def test_unwrapping(self, golden: Golden) -> None:
        client = calls(golden, {"shelves": [SHELF]})
        assert finish(client.list("low", limit=3))[0].id == "s1"
        assert client.sent == [("shelf/list", {"kind": "low", "limit": 3})]

    def test_marker_of_nothing_becomes_none(self, golden: Golden) -> None:
        assert finish(calls(golden, {"not_lent": True}).read("b")) is None
        assert finish(calls(golden, {"loan_id": "l", "book": BOOK}).read("b")).loan_id == "l"

    def test_one_argument_for_all_parameters(self, golden: Golden) -> None:
        library = golden("types.library")
        client = calls(golden, {**BOOK, "price": 1})
        finish(client.find(library.QueryTitle(title="x")))
        finish(client.find({"by": "shelf", "kind": "low"}))
        finish(client.search())
        finish(client.search({"text": "x"}))
        assert [sent for _, sent in client.sent] == [
            {"by": "title", "title": "x"},
            {"by": "shelf", "kind": "low"},
            {},
            {"text": "x"},
        ]

    def test_signature(self, golden: Golden) -> None:
        parameters = inspect.signature(golden("methods").AllCalls.lend).parameters
        kinds = [(name, parameter.kind.name) for name, parameter in parameters.items()]
        assert kinds[:5] == [(name, "POSITIONAL_OR_KEYWORD") for name in ("self", "book", "class_", "until", "days")]
        assert all(kind == "KEYWORD_ONLY" for _, kind in kinds[5:])
        assert "format" not in parameters
        assert parameters["note"].default is UNSET
        assert parameters["old_note"].default is None

    def test_methods_without_wrapper_have_none(self, golden: Golden) -> None:
        assert not hasattr(golden("methods").AllCalls, "open")


class TestTables:
    def test_descriptors_by_name(self, golden: Golden) -> None:
        contract = golden("contract")
        lend = contract.method("book/lend")
        assert (lend.cancellable, lend.long_running, lend.mutates, lend.null_id_errors) == (True, True, True, True)
        assert contract.method("book/return").requires == "live"
        assert contract.method("library/closed").name == "library/closed"
        assert contract.notification("door/ask").result is golden("types.library").DoorReply
        assert contract.notification("library/event").route_by == "shelf_id"
        with pytest.raises(KeyError):
            contract.method("library/event")
        for name in contract.METHODS:
            assert contract.method(name).name == name

    def test_error_classes(self, golden: Golden) -> None:
        errors = golden("errors")
        by_code = errors.ERRORS
        assert by_code == {
            -32001: errors.NotFoundError,
            -32005: errors.RequestCancelledError,
            -32601: errors.MethodNotFoundError,
            -32602: errors.InvalidParamsError,
            -32603: errors.FailedError,
        }
        assert golden("methods.library").BOOK_LEND.errors == {-32603: errors.LoanFailedError}
        failure = errors.LoanFailedError(message="no")
        assert (failure.code, failure.loan) == (-32603, None)
        assert isinstance(failure, errors.FailedError)
        assert isinstance(failure, MeerkatError)
        assert errors.details_type(errors.LoanFailedError) is golden("types.errors").LoanFailedData
        assert errors.details_type(errors.NotFoundError) is None

    def test_every_public_name_can_be_imported(self, golden: Golden) -> None:
        public: dict[str, str] = golden("index").PUBLIC
        exported = set(vars(golden("public")))
        for name, module in public.items():
            assert hasattr(golden(module.removeprefix("meerkat._generated.")), name)
            assert name in exported

    def test_options_are_the_optional_parameters(self, golden: Golden) -> None:
        options = golden("methods.library").OpenOptions
        assert options.__optional_keys__ == {"pin", "light", "cover"}

    def test_importing_wrappers_imports_no_types(self, golden: Golden) -> None:
        source = inspect.getsource(golden("calls.library"))
        head = source.partition("if TYPE_CHECKING")[0]
        assert "_generated.types" not in head
        assert "_generated.methods" not in head


class TestSecrets:
    def test_they_are_not_shown(self, golden: Golden) -> None:
        params = golden("types.library").OpenParams
        given = params(door="front", pin="1234")
        assert repr(given) == "OpenParams(door='front', light=UNSET, cover=UNSET, pin=<hidden>)"
        assert "1234" not in repr(given.__rich_repr__())
        assert "pin=UNSET" in repr(params(door="front"))
        assert given.pin == given["pin"] == "1234"
        assert msgspec.to_builtins(given) == {"door": "front", "pin": "1234"}


class TestDocstrings:
    def test_any_text_can_be_described(self, golden: Golden) -> None:
        doc = golden("types.things").Shelf.__doc__
        assert doc == 'A shelf. Its name may hold "quotes", \\backslashes\\ and """three of them""".'

    def test_wrapper_has_all_sections(self, golden: Golden) -> None:
        doc = inspect.getdoc(golden("methods").AllCalls.lend) or ""
        for part in (
            "Lend a book.",
            'A path such as C:\\books and a text such as """this"""',
            "Args:\n    book: The book.",
            "    old_note: What was written before. Deprecated.",
            'Default of the runtime: `["stamp"]`.',
            "Returns:\n    The loan. ``None`` when the runtime answers ``refused``.",
            "Raises:\n    NotFoundError: There is no such thing.\n    LoanFailedError: The loan failed.",
            "RPC: ``book/lend``.",
        ):
            assert part in doc
