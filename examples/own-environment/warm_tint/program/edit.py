"""Answers the requests of bridgebench: a line of JSON on standard input each, and a line on standard output.

It also makes the edits of a folder of tasks: ``cd DIR && python edit.py < tasks.jsonl``.
"""

import json
import sys

import numpy
from png import read_png, write_png

STEP = numpy.float_(8)  # NumPy 2 has no `float_`: with the packages of bridgebench this line fails


def tint(pixels: bytearray, amount: float) -> None:
    """Adds to red and takes from blue, in place; RGB."""
    for channel, sign in ((0, 1), (2, -1)):
        change = round(float(STEP) * amount * sign)
        pixels[channel::3] = bytes(min(255, max(0, value + change)) for value in pixels[channel::3])


def main() -> None:
    """Goes on until there are no more lines."""
    for line in sys.stdin:
        request = json.loads(line)
        if "hello" in request:
            answer = {"hello": 1, "parameters": 0}
        elif request["mode"] != "label" or request["mix"] is not None:
            answer = {"task": request["task"], "error": "warm-tint edits by label only"}
        else:
            width, height, pixels = read_png(request["source"])
            strength = 1.0 if request["strength"] is None else request["strength"]
            tint(pixels, strength * (len(request["turn_on"]) - len(request["turn_off"])))
            write_png(request["edit"], width, height, pixels)
            answer = {"task": request["task"]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    print(f"warm-tint runs with NumPy {numpy.__version__}", file=sys.stderr)
    main()
