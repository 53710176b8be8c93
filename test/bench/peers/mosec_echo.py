"""mosec, one worker a route; it parses its own command line (--port, --max-body-size)."""

from mosec import Server, SSEWorker, Worker


class Echo(Worker):
    def deserialize(self, data):
        return data

    def serialize(self, data):
        return data

    def forward(self, data):
        return data


class Stream(SSEWorker):
    def deserialize(self, data):
        return data

    def forward(self, data):
        for number in range(200):
            self.send_stream_event(str(number))
        return data


if __name__ == "__main__":
    server = Server()
    server.append_worker(Echo, route="/echo")
    server.append_worker(Stream, route="/stream")
    server.run()
