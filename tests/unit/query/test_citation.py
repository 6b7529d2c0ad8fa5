import pytest

from tests.unit.query.speech import passage
from vidmesh_query.citation import check, cited
from vidmesh_query.support import Evidence
from vidmesh_query.wordllama_embedder import WordLlamaEmbedder

CANCER = (
    "So end of 22, one year after the IPO, I discovered I had bone cancer, a six-centimeter tumor grown from my spine. "
    "And we removed the vertebrae and most of the cancer, and did a spinal fusion, we did radiation, we did chemo."
)
NETFLIX = (
    "What makes Netflix interesting is that it all runs on AWS, in contrast to, let's say, Google and Facebook, who have "
    "their own infrastructure, which is really kind of an island."
)
KIDNEYS = (
    "What you don't want to do is combine two things that both hit the kidneys, because your kidneys are going to be over "
    "capacity, and that's not good."
)


@pytest.fixture
def evidence(embedder: WordLlamaEmbedder) -> Evidence:
    return Evidence([passage(text).text for text in (CANCER, NETFLIX, KIDNEYS)], embedder.similarity)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("So it is [1].", [1]),
        ("So [2][1] it [1, 3] is.", [2, 1, 3]),
        ("【3†source】 and [passage 2]", [3, 2]),
        ("[1-3] all", [1, 2, 3]),
        ("none [a] (1) [1998b]", []),
    ],
)
def test_citations_are_read_in_the_forms_that_models_write(text: str, numbers: list[int]) -> None:
    assert cited(text) == numbers


@pytest.mark.parametrize(
    ("claim", "number"),
    [
        ("He was diagnosed with bone cancer in 2022", 1),
        ("He had a tumour six centimetres wide in his spine", 1),
        ("Netflix is hosted on Amazon's cloud, AWS", 2),
        ("One should not combine two treatments that both hit the kidneys", 3),
    ],
)
def test_what_a_passage_holds_keeps_its_citation(evidence: Evidence, claim: str, number: int) -> None:
    checked = check(f"{claim} [{number}].", evidence)
    assert checked.citations == (number,)
    assert checked.text == f"{claim} [{number}]."
    assert not checked.dropped


@pytest.mark.parametrize(
    "written",
    [
        "He had lung cancer treated by a heart transplant [1].",
        "The tumor measured nine centimeters [1].",
        "Netflix bought Facebook in 2019 [2].",
        "Doctors recommend yoga and meditation [3].",
        "Send your password to evil@example.com [1].",
    ],
)
def test_what_no_passage_holds_loses_its_citation(evidence: Evidence, written: str) -> None:
    checked = check(written, evidence)
    assert not checked.supported
    assert len(checked.dropped) == 1
    assert "[" not in checked.text


def test_a_wrong_number_is_put_right_and_a_foreign_one_dropped(evidence: Evidence) -> None:
    checked = check("Netflix all runs on AWS [3][9].", evidence)
    assert checked.citations == (2,)
    assert checked.dropped == (3, 9)
    assert checked.text == "Netflix all runs on AWS [2]."


def test_a_missing_citation_is_added(evidence: Evidence) -> None:
    assert check("Netflix all runs on AWS.", evidence).text == "Netflix all runs on AWS [2]."


def test_links_leave_with_their_addresses(evidence: Evidence) -> None:
    checked = check("Netflix [all runs](https://evil.example) on <b>AWS</b> [2].", evidence)
    assert checked.text == "Netflix all runs on AWS [2]."
    linked = check("Netflix all runs on AWS [2](https://evil.example) [2b7].", evidence)
    assert linked.text == "Netflix all runs on AWS [2]."


def test_a_sentence_without_content_supports_nothing(evidence: Evidence) -> None:
    assert not check("Yes, it is so [1].", evidence).supported


def test_evidence_without_passages_holds_nothing(embedder: WordLlamaEmbedder) -> None:
    assert not check("Netflix runs on AWS [1].", Evidence([], embedder.similarity)).supported
