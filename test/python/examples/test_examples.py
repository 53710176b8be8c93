"""The models that ship, in this process: what they answer, and what they say to bad input."""

from typing import Any

import pytest
from echo import Echo
from mock import Mock  # noqa: UP026 - our example, not the package of that name
from search import MAX_CHARACTERS, MAX_DOCUMENTS, Search

from gatehouse import ClientError
from gatehouse.testing import ModelHere, run_here


def test_echo_gives_back_what_came_whole_and_streamed() -> None:
    with run_here(Echo) as model:
        assert model.predict({"a": [1, None]}) == {"a": [1, None]}
        assert list(model.stream([1, "two"])) == [1, "two"]
        assert list(model.stream({"a": 1})) == [{"a": 1}]


def test_mock_takes_half_a_second() -> None:
    with run_here(Mock) as model:
        answer = model.predict("x")

    assert answer["input"] == "x"
    assert answer["inferenceMs"] >= 500


@pytest.fixture(scope="module")
def search() -> Any:
    with run_here(Search, max_batch=4) as model:
        yield model


def test_search_puts_the_closest_document_first(search: ModelHere) -> None:
    documents = [
        "Interest rates rose again this quarter.",
        "My cat chases mice in the garden.",
        "Boil the pasta for ten minutes.",
    ]
    ranking = search.predict({"query": "a pet that hunts", "documents": documents})["ranking"]

    indices: list[int] = [ranked["index"] for ranked in ranking]
    scores: list[float] = [ranked["score"] for ranked in ranking]
    assert indices[0] == 1
    assert sorted(indices) == [0, 1, 2]
    assert [ranked["document"] for ranked in ranking] == [documents[index] for index in indices]
    assert scores == sorted(scores, reverse=True)


def test_search_takes_one_document_text_without_words_and_other_scripts(search: ModelHere) -> None:
    answer = search.predict({"query": "кошка", "documents": ["", "猫", "\x00", "🐈"]})

    assert len(answer["ranking"]) == 4
    assert len(search.predict({"query": "a", "documents": ["a"]})["ranking"]) == 1


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (None, "The body is no JSON object"),
        ({}, "`query` is missing or no text"),
        ({"query": " ", "documents": ["a"]}, "`query` is missing or no text"),
        ({"query": "a"}, "`documents` is missing or no list"),
        ({"query": "a", "documents": "b"}, "`documents` is missing or no list"),
        ({"query": "a", "documents": []}, "not a list of one or more texts"),
        ({"query": "a", "documents": ["b", 3]}, "not a list of one or more texts"),
        ({"query": "a", "documents": ["b"] * (MAX_DOCUMENTS + 1)}, "at most 1000 are ranked"),
        ({"query": "a", "documents": ["b" * (MAX_CHARACTERS + 1)]}, "longer than 10000"),
        ({"query": "a", "documents": ["b" * MAX_CHARACTERS] * 20}, "more than 200000 characters"),
    ],
)
def test_search_says_what_is_wrong_and_what_it_expects(
    search: ModelHere, item: object, sentence: str
) -> None:
    with pytest.raises(ClientError, match=sentence):
        search.predict(item)


def test_one_bad_request_in_a_batch_spoils_no_other(search: ModelHere) -> None:
    with pytest.raises(ClientError):
        search.predict_together([{"query": "a", "documents": ["b"]}, 5])


def test_search_embeds_texts_as_vectors_of_length_one(search: ModelHere) -> None:
    model = Search()
    model.load()
    vectors = model.embed(["a cat", " "])

    assert vectors.shape == (2, 256)
    assert float((vectors[0] ** 2).sum()) == pytest.approx(1, abs=1e-5)
    assert not vectors[1].any()
