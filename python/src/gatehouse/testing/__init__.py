"""For the tests of a model's author: run a model in this process, or in a real worker process."""
