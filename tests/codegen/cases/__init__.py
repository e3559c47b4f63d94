"""Every way to spoil the small contract, each with the rule that it breaks."""

from __future__ import annotations

from tests.codegen.cases.domains import DOMAINS
from tests.codegen.cases.errors import ERRORS
from tests.codegen.cases.forms import FORMS
from tests.codegen.cases.methods import METHODS
from tests.codegen.cases.names import NAMES
from tests.codegen.cases.prose import PROSE
from tests.codegen.cases.references import REFERENCES

ALL = {**FORMS, **REFERENCES, **NAMES, **METHODS, **ERRORS, **PROSE, **DOMAINS}
