"""The model Gatehouse serves in the benchmark: echo, and streams of 200 events."""

from gatehouse import Model


class Echo(Model):
    def predict(self, items):
        return items

    def stream(self, item):
        yield from range(200)
