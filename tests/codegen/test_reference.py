"""The method reference: complete, true to contract and package, and what a renderer shows is what is meant."""

from __future__ import annotations

import inspect
import json
from posixpath import normpath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import meerkat
from codegen import emit, pipeline
from codegen.ir import StructType, TaggedUnion
from codegen.reference import markdown
from codegen.reference.handles import Handles
from codegen.reference.methods import BY_ITSELF
from codegen.types import GeneratorError
from tests.codegen.pages import RENDERER, Page, plain, shown
from tests.codegen.small import GOLDEN_PAGES, ROOT, pages

if TYPE_CHECKING:
    from pathlib import Path

    from codegen.ir import Contract
    from codegen.reference.handles import PythonMethod

REFERENCE = ROOT / "docs" / "reference"
PACKAGE = ROOT / "src" / "meerkat"


@pytest.fixture(scope="module")
def real() -> Contract:
    return pipeline.read(ROOT / "contract")[0]


@pytest.fixture(scope="module")
def reference() -> dict[str, Page]:
    return {name: Page(text) for name, text in emit.present(REFERENCE).items()}


@pytest.fixture(scope="module")
def handles() -> Handles:
    generated = PACKAGE / "_generated"
    modules = [*PACKAGE.glob("*.py"), *(generated / "calls").glob("*.py"), *(generated / "methods").glob("*.py")]
    return Handles({path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8") for path in modules})


@pytest.fixture(scope="module")
def page_of(real: Contract, reference: dict[str, Page]) -> dict[str, Page]:
    """The page that describes a file of the contract."""
    return {module: reference[f"{domain.name}.md"] for domain in real.domains for module in domain.modules}


class TestSmall:
    """The pages of the small contract, byte for byte."""

    def test_output_is_the_golden_one(self, contract: Path) -> None:
        difference = emit.differences(pages(contract), emit.present(GOLDEN_PAGES), "golden_pages")
        assert not difference, f"{difference}\nif this is meant: python -m tests.codegen.small"

    def test_change_of_a_description_changes_its_page_alone(self, contract: Path) -> None:
        before = pages(contract)
        path = contract / "things.yaml"
        path.write_text(path.read_text("utf-8").replace("A stamp.", "A | seal."), "utf-8")
        after = pages(contract)
        # Every page names the contract that it was made of in its head.
        changed = [name for name in before if before[name].split("-->")[1] != after[name].split("-->")[1]]
        assert changed == ["library-things.md"]
        assert Page(after["library-things.md"]).section("Mark").tables[0][1] == ["stamp", "MarkStamp", "A | seal."]

    def test_method_and_type_of_one_anchor(self, contract: Path) -> None:
        page = Page(pages(contract)["library.md"])
        assert page.section("library/event").anchor == "libraryevent"
        assert page.section("LibraryEvent").anchor == "libraryevent-1"
        assert "#libraryevent-1" in set(page.links())

    def test_what_nobody_does_is_done_by_name(self, contract: Path) -> None:
        loaded, _ = pipeline.read(contract)
        page = Page(pipeline.render_pages(loaded, {}, {})["library.md"])
        said = page.section("shelf/list").paragraphs
        assert 'No method of its own does it; MeerkatClient.call("shelf/list", {...}) does.' in said
        assert "The runtime sends it." in page.section("door/ask").paragraphs


class TestComplete:
    """Everything is there once, and every link leads to it."""

    def test_every_method_is_in_the_index_and_on_its_page(self, real: Contract, reference: dict[str, Page]) -> None:
        index = [row for each in reference["README.md"].sections for table in each.tables for row in table[1:]]
        assert sorted(row[0] for row in index) == sorted(method.name for method in real.methods)
        summaries = {row[0]: row[2] for row in index}
        for domain in real.domains:
            page = reference[f"{domain.name}.md"]
            expected = [method for method in real.methods if method.module in domain.modules]
            assert page.headings("Methods") == sorted(method.name for method in expected)
            for method in expected:
                assert summaries[method.name] == plain(method.summary)
                assert page.section(method.name).paragraphs[0].endswith(plain(method.summary))

    def test_every_type_and_error_is_on_its_page(self, real: Contract, reference: dict[str, Page]) -> None:
        for domain in real.domains:
            page = reference[f"{domain.name}.md"]
            types = [
                named.name
                for named in real.types.values()
                if named.module in domain.modules and not (isinstance(named, StructType) and named.method)
            ]
            assert page.headings("Types") == sorted(types)
            classes = {kind.class_name for kind in real.errors.values() if kind.module in domain.modules}
            assert page.headings("Errors") == sorted(classes)

    def test_every_public_type_is_in_the_list_of_types(self, real: Contract, reference: dict[str, Page]) -> None:
        listed = [
            name for each in reference["types.md"].sections for line in each.paragraphs for name in line.split(", ")
        ]
        assert sorted(set(listed) & real.types.keys()) == sorted(real.types)

    def test_what_is_described_can_be_imported(self, reference: dict[str, Page], handles: Handles) -> None:
        described = {
            name for page in reference.values() for part in ("Types", "Errors") for name in page.headings(part)
        }
        described |= {found.handle for rpc in handles.names() for found in handles.of(rpc)}
        assert len(described) > 600
        assert {name for name in described if not hasattr(meerkat, name)} == set()

    def test_every_link_leads_somewhere(self, reference: dict[str, Page]) -> None:
        anchors = {name: {each.anchor for each in page.sections} for name, page in reference.items()}
        count = 0
        for name, page in reference.items():
            for link in page.links():
                file, _, anchor = link.partition("#")
                target = normpath(file) if file else name
                assert target in reference, f"{name}: {link}"
                assert not anchor or anchor in anchors[target], f"{name}: {link}"
                count += 1
        assert count > 2000

    def test_every_page_is_reached_from_the_index(self, reference: dict[str, Page]) -> None:
        linked = {link.partition("#")[0] for link in reference["README.md"].links()}
        assert linked | {"README.md"} == set(reference)


def rows(page: Page, heading: str, head: str) -> list[list[str]]:
    """The rows of the table whose first column has this head."""
    for table in page.section(heading).tables:
        if table[0][0] == head:
            return table[1:]
    return []


class TestTrue:
    """What is said of a method is what the contract says, as a renderer shows it."""

    def test_parameters(self, real: Contract, page_of: dict[str, Page]) -> None:
        for method in real.methods:
            found = rows(page_of[method.module], method.name, "parameter")
            assert len(found) == len(method.params), method.name
            for row, param in zip(found, method.params, strict=True):
                assert len(row) == 4
                assert row[0].partition(",")[0] == param.wire
                assert plain(param.description) in row[3]
                assert (row[2] == "required") is (param.required and param.constant is None)
                if isinstance(param.default, bool | int | str) and not param.required:
                    assert row[2] == f"default {json.dumps(param.default)}"
                assert ("None" in row[1]) is param.nullable

    def test_fields_and_arms(self, real: Contract, page_of: dict[str, Page]) -> None:
        for named in real.types.values():
            page = page_of[named.module]
            match named:
                case StructType(method=None, properties=properties):
                    found = rows(page, named.name, "field")
                    assert [row[0].partition(",")[0] for row in found] == [item.wire for item in properties]
                    for row, item in zip(found, properties, strict=True):
                        assert plain(item.description) in row[3]
                        if item.python != item.wire:
                            assert row[0].endswith(f"in Python {item.python}")
                        assert (row[2] in {"always", "required"}) is item.required
                case TaggedUnion(tag=tag, arms=arms):
                    assert [tuple(row[:2]) for row in rows(page, named.name, tag)] == list(arms)
                case _:
                    continue

    def test_facts(self, real: Contract, page_of: dict[str, Page]) -> None:
        for method in real.methods:
            if method.notification or method.from_server:
                (facts,) = rows(page_of[method.module], method.name, "sent by")
                assert facts[0] == ("the runtime" if method.from_server else "the client")
                assert facts[2] == (method.route_by or "nothing in particular")
                continue
            (facts,) = rows(page_of[method.module], method.name, "changes state")
            assert facts[0] == ("yes" if method.mutates else "no")
            assert facts[1] == ("ends it" if method.cancellable else "has no effect")
            assert facts[2].startswith("none" if method.long_running else "that of the client")
            assert (facts[3] == "always") is (method.requires is None)

    def test_errors_and_what_to_do(self, real: Contract, page_of: dict[str, Page]) -> None:
        for method in real.methods:
            page = page_of[method.module]
            kinds = [real.errors[name] for name in method.errors]
            expected = [[kind.class_name, str(kind.code), plain(kind.message)] for kind in kinds]
            assert rows(page, method.name, "exception") == expected
            if kinds:
                (advice,) = page.section("What these errors mean", 2).tables
                told = {(row[0], row[1]): row[2] for row in advice[1:]}
                for kind in kinds:
                    assert plain(kind.description) in told[kind.class_name, str(kind.code)]

    def test_results(self, real: Contract, page_of: dict[str, Page]) -> None:
        for method in real.methods:
            said = [
                line for line in page_of[method.module].section(method.name).paragraphs if line.startswith("Result:")
            ]
            assert len(said) == (method.result is not None), method.name
            if said:
                assert plain(method.result_description) in said[0]
                wrapper = method.wrapper
                assert ("The Python method returns" in said[0]) is (
                    wrapper is not None and bool(wrapper.returns_none or wrapper.unwrap or wrapper.none_when)
                )


class TestHandles:
    """The Python methods that are named do what is said, under the signatures that are shown."""

    def test_every_wrapper_is_offered_by_the_client(self, real: Contract, handles: Handles) -> None:
        for method in real.methods:
            if method.wrapper is not None:
                assert f"MeerkatClient.{method.wrapper.name}" in {found.call for found in handles.of(method.name)}

    def test_what_no_method_does_is_told(self, real: Contract, handles: Handles) -> None:
        assert {method.name for method in real.methods if not handles.of(method.name)} == BY_ITSELF.keys()

    def test_methods_of_the_package_name_methods_of_the_contract(self, real: Contract, handles: Handles) -> None:
        assert handles.names() <= {method.name for method in real.methods}

    def test_signatures_are_those_of_the_package(self, real: Contract, handles: Handles) -> None:
        checked: set[PythonMethod] = set()
        for method in real.methods:
            for found in handles.of(method.name):
                function = getattr(getattr(meerkat, found.handle), found.name)
                assert f"``{method.name}``" in (inspect.getdoc(function) or "").splitlines()[-1]
                assert names_of(found) == [str(p).partition(":")[0].partition(" =")[0] for p in parameters(function)]
                assert inspect.iscoroutinefunction(function) is found.is_async
                checked.add(found)
        assert len(checked) > 150

    def test_signatures_are_shown(self, real: Contract, handles: Handles, page_of: dict[str, Page]) -> None:
        for method in real.methods:
            (code,) = page_of[method.module].section(method.name).code or [""]
            assert code.splitlines() == handles.signatures(method.name)

    def test_shorthands_are_explained(self, handles: Handles) -> None:
        lines = handles.signatures("turn/start")
        assert lines[0] == "Prompt = str | Sequence[ContentBlock | Mapping[str, Any]]"
        assert sum(line.startswith("Prompt = ") for line in lines) == 1

    def test_source_that_is_no_python(self) -> None:
        with pytest.raises(GeneratorError, match=r"client\.py:2: this is no Python"):
            Handles({"client.py": "x = 1\ndef\n"})

    def test_nearest_class_counts_in_the_order_of_python(self) -> None:
        source = """
class Base:
    def a(self) -> int:
        '''RPC: ``x``.'''
class Left(Base):
    pass
class Right(Base):
    def a(self) -> str:
        '''RPC: ``x``.'''
class Handle(Left, Right):
    pass
"""
        assert [found.signature() for found in Handles({"a.py": source}).of("x")] == [["Handle.a() -> str"]]

    def test_bases_that_contradict_each_other(self) -> None:
        source = "class A: pass\nclass B(A): pass\nclass C(A, B): pass\n"
        with pytest.raises(GeneratorError, match=r"a\.py: the bases of C contradict each other"):
            Handles({"a.py": source})


def parameters(function: object) -> list[inspect.Parameter]:
    assert callable(function)
    return list(inspect.signature(function).parameters.values())[1:]


def names_of(method: PythonMethod) -> list[str]:
    """The arguments as `inspect` writes them, without annotations; the bare star and slash are no arguments."""
    names = [argument.partition(":")[0].partition("=")[0] for argument in method.arguments]
    return [name for name in names if name not in {"*", "/"}]


class TestRendering:
    """No line surprises a renderer."""

    def test_no_html_but_the_comment_at_the_top(self, reference: dict[str, Page]) -> None:
        for name, page in reference.items():
            (comment,) = page.html()
            assert comment == page.text[: page.text.index("-->") + 4], name
            assert "make regen" in comment
            assert "do not edit" in comment

    def test_nothing_but_headings_prose_tables_lists_and_code(self, reference: dict[str, Page]) -> None:
        kinds = {
            token.type.removesuffix("_open").removesuffix("_close") for p in reference.values() for token in p.tokens
        }
        allowed = {"heading", "paragraph", "inline", "table", "thead", "tbody", "tr", "th", "td", "fence", "html_block"}
        assert kinds <= allowed | {"bullet_list", "list_item"}
        inside = {child.type for p in reference.values() for t in p.tokens for child in t.children or []}
        assert inside <= {"text", "code_inline", "link_open", "link_close", "strong_open", "strong_close", "softbreak"}

    def test_tables_have_as_many_cells_as_columns(self, reference: dict[str, Page]) -> None:
        for name, page in reference.items():
            width = 0
            for line in page.text.splitlines():
                cells = line.replace("\\|", "").count("|") - 1 if line.startswith("|") else 0
                assert not width or not cells or cells == width, f"{name}: {line}"
                width = cells

    def test_no_trailing_blanks_and_one_newline_at_the_end(self, reference: dict[str, Page]) -> None:
        for name, page in reference.items():
            assert page.text.endswith("\n"), name
            assert not page.text.endswith("\n\n"), name
            assert "\n\n\n" not in page.text, name
            assert all(line == line.rstrip() for line in page.text.splitlines()), name

    PROSE = st.text(st.sampled_from("ab \\*_[]()<>&|~#+-=.:/@!{}\"'1$^\n\t"), max_size=60) | st.text(max_size=30)

    @given(PROSE.filter(lambda prose: "`" not in prose and "\0" not in prose))
    def test_prose_is_shown_as_it_is(self, prose: str) -> None:
        words = " ".join(prose.split())
        tokens = RENDERER.parse(markdown.text(prose))
        assert [token.type for token in tokens] == (["paragraph_open", "inline", "paragraph_close"] if words else [])
        assert {child.type for token in tokens for child in token.children or []} <= {"text"}
        assert "".join(shown(token) for token in tokens if token.type == "inline") == words

    @given(PROSE.filter(lambda prose: "`" not in prose and "\0" not in prose))
    def test_prose_stays_in_its_cell(self, prose: str) -> None:
        page = Page("\n".join(["# A", "", *markdown.table(("a", "b"), [(markdown.text(prose), "c")])]))
        assert page.sections[0].tables == [[["a", "b"], [" ".join(prose.split()), "c"]]]

    @given(st.text(st.sampled_from("ab`|\\* "), max_size=40))
    def test_code_in_prose_is_code(self, prose: str) -> None:
        tokens = RENDERER.parse(markdown.text(prose))
        inline = [child for token in tokens for child in token.children or []]
        assert {child.type for child in inline} <= {"text", "code_inline"}
        # Spaces at both ends of code may be dropped, and backticks are what makes it code.
        found = "".join(child.content for child in inline)
        assert found.replace("`", "").replace(" ", "") == prose.replace("`", "").replace(" ", "")

    @given(st.text(st.sampled_from("ab`|* "), min_size=1, max_size=20).filter(str.strip))
    def test_code_is_shown_as_it_is(self, value: str) -> None:
        (_, inline, _) = RENDERER.parse(markdown.code(value))
        assert [child.type for child in inline.children or []] == ["code_inline"]
        assert shown(inline) == value

    @given(st.text(st.sampled_from("ab|* "), min_size=1, max_size=20).filter(str.strip))
    def test_code_stays_in_its_cell(self, value: str) -> None:
        page = Page("\n".join(["# A", "", *markdown.table(("a", "b"), [(markdown.code(value), "c")])]))
        assert page.sections[0].tables == [[["a", "b"], [value, "c"]]]
