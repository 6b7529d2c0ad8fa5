"""The table of what is taken out is of the code as it is: `make mutations` can try it."""

import pytest

from tests.mutations.__main__ import ROOT, Mutation, mutations


@pytest.mark.parametrize("one", mutations(), ids=lambda one: f"{one.row}-{one.what}")
def test_a_mutation_can_be_made_and_names_a_test(one: Mutation) -> None:
    assert (ROOT / one.file).read_text().count(one.before) == 1
    file, _, name = one.test.partition("::")
    assert not name or f"def {name.partition('[')[0]}(" in (ROOT / file).read_text()
