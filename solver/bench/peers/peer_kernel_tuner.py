"""Kernel Tuner's own builder of search spaces, as its tuner calls it."""

from kernel_tuner.searchspace import Searchspace

import common


def solve(request):
    model = request["model"]
    space = Searchspace(
        tune_params=common.listed_values(model),
        restrictions=[rule["python"] for rule in model["constraints"]],
        # Its default limit on threads would be a rule that the other solvers are not given.
        max_threads=2**62,
    )
    return space.size, None


if __name__ == "__main__":
    common.main("kernel_tuner", solve)
