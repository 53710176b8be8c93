"""What a model author imports: write a class, and Gatehouse serves it.

from gatehouse import ClientError, Model

class Greeter(Model):
    def predict(self, items):
        return [{"hello": item["name"]} for item in items]
"""

from gatehouse.cancellation import cancelled
from gatehouse.errors import Cancelled, ClientError, GatehouseError
from gatehouse.model import Model
from gatehouse.tensors import Datatype, Tensor
from gatehouse.version import __version__

__all__ = [
    "Cancelled",
    "ClientError",
    "Datatype",
    "GatehouseError",
    "Model",
    "Tensor",
    "__version__",
    "cancelled",
]
