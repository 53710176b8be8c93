"""What a model author imports: tensors that make sense, errors with a code, a flag to ask."""

import contextvars

import pytest
from fixtures import TEST_FOLDER

import gatehouse
from gatehouse import Cancelled, ClientError, GatehouseError, Model, Tensor, cancelled
from gatehouse.cancellation import CancelScope, current_scope
from gatehouse.model import served_methods


def test_the_public_names_are_these() -> None:
    assert sorted(gatehouse.__all__) == [
        "Cancelled",
        "ClientError",
        "Datatype",
        "GatehouseError",
        "Model",
        "Tensor",
        "__version__",
        "cancelled",
    ]


def test_the_version_is_the_one_of_the_package() -> None:
    project = (TEST_FOLDER.parent / "python/pyproject.toml").read_text()

    assert f'\nversion = "{gatehouse.__version__}"\n' in project


def test_a_client_error_is_a_bad_request() -> None:
    assert issubclass(ClientError, GatehouseError)
    assert ClientError("x").code == "BAD_REQUEST"


def test_except_exception_does_not_swallow_an_interrupt() -> None:
    assert not issubclass(Cancelled, Exception)


def test_outside_a_call_nothing_is_cancelled() -> None:
    assert cancelled() is False


def test_inside_a_call_the_flag_of_the_call_is_told() -> None:
    def call() -> tuple[bool, bool]:
        scope = CancelScope()
        current_scope.set(scope)
        before = cancelled()
        scope.cancelled = True
        return before, cancelled()

    assert contextvars.copy_context().run(call) == (False, True)
    assert cancelled() is False


@pytest.mark.parametrize(
    ("name", "datatype", "shape", "sentence"),
    [
        ("", "FP32", [1], "A tensor needs a name."),
        ("x", "FLOAT", [1], "'FLOAT' is no datatype of tensor x: use BOOL, BYTES, FP16"),
        ("x", "FP32", [-2], "The shape of tensor x may hold lengths from 0"),
    ],
)
def test_a_tensor_that_makes_no_sense_is_refused_with_a_sentence(
    name: str, datatype: gatehouse.Datatype, shape: list[int], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        Tensor(name, datatype, shape)


def test_a_worker_tells_of_the_methods_that_a_class_has() -> None:
    class Both(Model):
        def embed(self, texts: list[str]) -> list[list[float]]:
            return [[0.0] for _ in texts]

        def predict(self, items: list[object]) -> list[object]:
            return items

    assert served_methods(Model) == []
    assert served_methods(Both) == ["predict", "embed"]
