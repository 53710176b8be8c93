"""Echo of bytes: the route's JSON codec is put aside, to measure the bridge and no parser."""

from gatehouse import Model
from gatehouse_worker.answers import Reply
from gatehouse_worker.codecs import find_route
from gatehouse_worker.codecs.route import UnaryRoute

HEADERS = {"content-type": "application/json"}


def encode(body):
    return Reply(200, HEADERS, (body,))


find_route._ROUTES["json", False] = UnaryRoute(
    "predict", lambda request: request.segments[0], encode
)


class Echo(Model):
    def predict(self, items):
        return items
