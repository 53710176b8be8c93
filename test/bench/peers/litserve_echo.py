"""LitServe, one worker."""

import sys

import litserve


class Echo(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return request

    def predict(self, data):
        return data

    def encode_response(self, output):
        return output


class Stream(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return request

    def predict(self, data):
        yield from range(200)

    def encode_response(self, outputs):
        for output in outputs:
            yield f"data: {output}\n\n"


if __name__ == "__main__":
    apis = [Echo(api_path="/echo"), Stream(api_path="/stream", stream=True)]
    server = litserve.LitServer(apis, accelerator="cpu", timeout=60)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning"
    )
