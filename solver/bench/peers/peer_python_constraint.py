"""python-constraint2 with its default solver; rules go in as text, which it compiles."""

import sys

from constraint import Problem

import common


def solve(request):
    model = request["model"]
    problem = Problem()
    for name, values in common.listed_values(model).items():
        problem.addVariable(name, values)
    for rule in model["constraints"]:
        problem.addConstraint(rule["python"])
    if request["task"] == "first":
        return (0 if problem.getSolution() is None else 1), None
    return len(problem.getSolutions()), None


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    common.main("python-constraint2", solve)
