"""What the Python peers share: the request, the measuring, the answer.

A driver is started as `python peer_x.py request.json` (or with `--version`) and prints one JSON
object. Imports and the interpreter's start are not timed; building the problem is.
"""

import json
import signal
import sys
import time
from importlib import metadata

ENOUGH_SECONDS = 0.5
ENOUGH_RUNS = 15
# Peers that list every value of a domain are not given domains that cannot be listed.
MOST_LISTED_VALUES = 20_000_000


class Unsupported(Exception):
    """The peer has no way to take this model."""


class OutOfTime(Exception):
    """The peer stopped by its own clock; `args[0]` solutions were found until then."""


def values_of(variable):
    if "values" in variable:
        return variable["values"]
    return range(variable["lo"], variable["hi"] + 1)


def listed_values(model):
    domains = {v["name"]: values_of(v) for v in model["variables"]}
    total = sum(len(values) for values in domains.values())
    if total > MOST_LISTED_VALUES:
        raise Unsupported("lists every value of a domain, here %.1e" % total)
    return {name: list(values) for name, values in domains.items()}


def on_alarm(*_):
    raise OutOfTime(0)


def measure(solve, request):
    """`solve(request)` returns (count, objective or None)."""
    signal.signal(signal.SIGALRM, on_alarm)
    times = []
    result = {"status": "ok"}
    while not times or (sum(times) < ENOUGH_SECONDS and len(times) < ENOUGH_RUNS):
        cpu = time.process_time()
        start = time.perf_counter()
        try:
            signal.setitimer(signal.ITIMER_REAL, request["limit_s"] + 0.5)
            count, objective = solve(request)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Unsupported as error:
            return {"status": "unsupported", "note": str(error)}
        except OutOfTime as error:
            result["status"] = "timeout"
            count, objective = error.args[0], None
        except MemoryError:
            return {"status": "error", "note": "out of memory"}
        except Exception as error:  # whatever a peer fails with is its result
            return {"status": "error", "note": f"{type(error).__name__}: {error}"[:120]}
        seconds = time.perf_counter() - start
        cpu = time.process_time() - cpu
        result["cpu_seconds"] = min(cpu, result.get("cpu_seconds", cpu))
        result.setdefault("cold_cpu_seconds", cpu)
        times.append(seconds)
        result["count"] = count
        if objective is not None:
            result["objective"] = objective
        if result["status"] != "ok":
            break
    result["seconds"] = min(times)
    result["cold_seconds"] = times[0]
    result["median_seconds"] = sorted(times)[len(times) // 2]
    result["runs"] = len(times)
    return result


def main(package, solve):
    if sys.argv[1] == "--version":
        print(json.dumps({"version": metadata.version(package)}))
        return
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    # The packages print progress and warnings; only the last line is the answer.
    result = measure(solve, request)
    print("\n" + json.dumps(result), flush=True)
