"""pyATF: builds its chain of trees, and does not list the configurations in it.

Each rule hangs on the last of its variables in order of declaration, as ATF wants it.
"""

from pyatf import TP, Set
from pyatf.search_space import SearchSpace

import common


def solve(request):
    model = request["model"]
    order = {v["name"]: i for i, v in enumerate(model["variables"])}
    rules = {}
    for rule in model["constraints"]:
        names = sorted(rule["variables"], key=order.get)
        if names:
            rules.setdefault(names[-1], []).append((names, rule["python"]))
    parameters = []
    for name, values in common.listed_values(model).items():
        condition = None
        if name in rules:
            used = sorted({n for names, _ in rules[name] for n in names}, key=order.get)
            text = " and ".join(f"({python})" for _, python in rules[name])
            condition = eval(f"lambda {', '.join(used)}: {text}")  # text written by the bench
        parameters.append(TP(name, Set(*values), condition))
    space = SearchSpace(*parameters, verbosity=0)
    return space.constrained_size, None


if __name__ == "__main__":
    common.main("pyatf", solve)
