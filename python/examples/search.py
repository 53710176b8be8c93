"""Ranks documents by how close they are in meaning to a query, with WordLlama's embeddings."""

from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
import wordllama
from numpy.typing import NDArray

from gatehouse import ClientError, Model

MAX_DOCUMENTS = 1_000
MAX_CHARACTERS = 20_000
"""Of one text. The embedder needs about 4 KB for each while it works."""

_EXPECTED = 'Send {"query": "some words", "documents": ["a text", "another text"]}.'


class Ranked(TypedDict):
    """One document of a ranking: its place in the request, its text, its score from -1 to 1."""

    index: int
    document: str
    score: float


class Search(Model):
    """`{"query": s, "documents": [s, ...]}` in, `{"ranking": [...]}` out, the best document first."""

    def load(self) -> None:
        # The package looks for its tokenizer in a cache folder; the one it ships is in its own.
        package = Path(wordllama.__file__).parent
        self._embedder = wordllama.WordLlama.load(cache_dir=package, disable_download=True)

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
        scores = vectors[1:] @ vectors[0]
        ranking = [
            Ranked(index=index, document=documents[index], score=round(float(scores[index]), 6))
            for index in np.argsort(-scores, kind="stable").tolist()
        ]
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
    texts = [text for text in cast("list[object]", documents) if isinstance(text, str)]
    if not texts or len(texts) != len(documents):
        raise ClientError(f"`documents` is not a list of one or more texts. {_EXPECTED}")
    if len(texts) > MAX_DOCUMENTS:
        raise ClientError(
            f"`documents` has {len(texts)} texts; at most {MAX_DOCUMENTS} are ranked."
        )
    if any(len(text) > MAX_CHARACTERS for text in [query, *texts]):
        raise ClientError(f"A text is longer than {MAX_CHARACTERS} characters.")
    return query, texts
