"""FastAPI on uvicorn, one process, uvloop and httptools."""

import sys

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

app = FastAPI()


@app.post("/echo")
async def echo(request: Request):
    return Response(await request.body(), media_type="application/json")


@app.post("/stream")
async def stream(request: Request):
    await request.body()

    async def events():
        for number in range(200):
            yield b"data: %d\n\n" % number

    return StreamingResponse(events(), media_type="text/event-stream")


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
