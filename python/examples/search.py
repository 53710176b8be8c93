"""Ranks documents by how close they are in meaning to a query, with WordLlama's embeddings."""

from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
import wordllama  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray
from wordllama import WordLlama  # pyright: ignore[reportMissingTypeStubs]

from gatehouse import ClientError, Model

MAX_DOCUMENTS = 1_000
MAX_CHARACTERS = 10_000
"""Of one text. The embedder needs up to 12 KB for each while it works."""

MAX_TOTAL_CHARACTERS = 200_000
"""Of query and documents together: at worst a few seconds of work."""

_EXPECTED = 'Send {"query": "some words", "documents": ["a text", "another text"]}.'


class Ranked(TypedDict):
    """One document of a ranking: its place in the request, its text, its score from -1 to 1."""

    index: int
    document: str
    score: float


class Search(Model):
    """`{"query": s, "documents": [s, ...]}` in, `{"ranking": [...]}` out, the best one first."""

    def load(self) -> None:
        # The package looks for its tokenizer in a cache folder; the one it ships is in its own.
        package = Path(wordllama.__file__).parent
        # wordllama has no types.
        self._embedder: Any = WordLlama.load(cache_dir=package, disable_download=True)

    def predict(self, items: list[Any]) -> list[dict[str, list[Ranked]] | ClientError]:
        return [self._answer(item) for item in items]

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """Give one vector of length 1 for each text; zeros for a text without words."""
        vectors = np.zeros((len(texts), self._embedder.embedding.shape[1]), dtype=np.float32)
        # A batch is as wide as its longest text, so a long one goes alone.
        for place, text in enumerate(texts):
            if text.strip():
                vectors[place] = self._embedder.embed([text], norm=True)[0]
        return vectors

    def _answer(self, item: object) -> dict[str, list[Ranked]] | ClientError:
        try:
            query, documents = _read(item)
        except ClientError as error:
            return error
        vectors = self.embed([query, *documents])
        scores: list[float] = (vectors[1:] @ vectors[0]).tolist()
        ranking = [
            Ranked(index=index, document=document, score=round(score, 6))
            for index, (document, score) in enumerate(zip(documents, scores, strict=True))
        ]
        ranking.sort(key=lambda ranked: -ranked["score"])
        return {"ranking": ranking}


def _read(item: object) -> tuple[str, list[str]]:
    """Give query and documents of a request. Raises ClientError with a sentence for its author."""
    if not isinstance(item, dict):
        raise ClientError(f"The body is no JSON object. {_EXPECTED}")
    fields = cast("dict[str, object]", item)
    query, documents = fields.get("query"), fields.get("documents")
    if not isinstance(query, str) or not query.strip():
        raise ClientError(f"`query` is missing or no text. {_EXPECTED}")
    if not isinstance(documents, list):
        raise ClientError(f"`documents` is missing or no list. {_EXPECTED}")
    documents = cast("list[object]", documents)
    texts = [text for text in documents if isinstance(text, str)]
    if not texts or len(texts) != len(documents):
        raise ClientError(f"`documents` is not a list of one or more texts. {_EXPECTED}")
    if len(texts) > MAX_DOCUMENTS:
        raise ClientError(
            f"`documents` has {len(texts)} texts; at most {MAX_DOCUMENTS} are ranked."
        )
    if any(len(text) > MAX_CHARACTERS for text in [query, *texts]):
        raise ClientError(f"A text is longer than {MAX_CHARACTERS} characters.")
    if sum(map(len, [query, *texts])) > MAX_TOTAL_CHARACTERS:
        raise ClientError(f"The texts have more than {MAX_TOTAL_CHARACTERS} characters together.")
    return query, texts
