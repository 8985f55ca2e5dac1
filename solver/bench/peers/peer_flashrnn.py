"""FlashRNN's own solver (Python, arc consistency and value heuristics), for one solution.

It is no package of its own: FLASHRNN_CONSTRINT names its file, autotune/constrint.py of a checkout
of github.com/NX-AI/flashrnn. Its language has sums, products, == <= and divisibility, no brackets
and no zero, so every rule is multiplied out, summands are moved to where they are positive, and
variables that may be zero are moved up by one.
"""

import importlib.util
import json
import os
import sys

import common


def load():
    path = os.environ.get("FLASHRNN_CONSTRINT", "")
    if not os.path.isfile(path):
        return None
    spec = importlib.util.spec_from_file_location("flashrnn_constrint", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def polynomial(tree, low):
    """{sorted variable names: coefficient}"""
    if isinstance(tree, int):
        return {(): tree}
    if isinstance(tree, str):
        if low[tree] < 0:
            raise common.Unsupported("negative values")
        return {(tree,): 1} if low[tree] > 0 else {(tree,): 1, (): -1}
    if tree[0] not in ("+", "-", "*"):
        raise common.Unsupported("no " + tree[0])
    a, b = polynomial(tree[1], low), polynomial(tree[2], low)
    result = {}
    if tree[0] == "*":
        for names, x in a.items():
            for more, y in b.items():
                key = tuple(sorted(names + more))
                result[key] = result.get(key, 0) + x * y
    else:
        result.update(a)
        for names, y in b.items():
            result[names] = result.get(names, 0) + (y if tree[0] == "+" else -y)
    return {names: x for names, x in result.items() if x != 0}


def text_of(parts):
    """Without a one where something else stands; empty for nothing."""
    return " + ".join(
        " * ".join(([str(x)] if x != 1 or not names else []) + list(names))
        for names, x in parts.items()
    )


def relation(left, right, op):
    difference = dict(left)
    for names, x in right.items():
        difference[names] = difference.get(names, 0) - x
    positive = {n: x for n, x in difference.items() if x > 0}
    negative = {n: -x for n, x in difference.items() if x < 0}
    if not positive or not negative:  # there is no zero to write
        positive[()] = positive.get((), 0) + 1
        negative[()] = negative.get((), 0) + 1
    return f"{text_of(positive)} {op} {text_of(negative)}"


def rule(tree, low):
    op = tree[0]
    if op == "==" and isinstance(tree[1], list) and tree[1][0] == "%" and tree[2] == 0:
        dividend, divisor = polynomial(tree[1][1], low), polynomial(tree[1][2], low)
        if any(x < 0 for x in list(dividend.values()) + list(divisor.values())):
            raise common.Unsupported("a difference in a divisibility")
        return f"{text_of(dividend)} % {text_of(divisor)} == 0"
    if op == "or":
        return f"{rule(tree[1], low)} | {rule(tree[2], low)}"
    if op == "implies" and tree[1][0] == ">" and tree[1][2] == 0:
        return rule(["or", ["<=", tree[1][1], 0], tree[2]], low)
    if op not in ("==", "<=", ">=", "<", ">"):
        raise common.Unsupported("no " + op)
    a, b = polynomial(tree[1], low), polynomial(tree[2], low)
    if op in (">=", ">"):
        a, b = b, a
    if op in ("<", ">"):
        a[()] = a.get((), 0) + 1
    return relation(a, b, "==" if op == "==" else "<=")


def solve(request):
    cst = load()
    model = request["model"]
    low = {v["name"]: v["lo"] for v in model["variables"]}
    lines = []
    for v in model["variables"]:
        shift = 0 if v["lo"] > 0 else 1 - v["lo"]
        if "values" in v:
            values = ", ".join(str(x + shift) for x in v["values"])
            lines.append(f"{v['name']} == [ {values} ]")
        else:
            lines.append(f"{v['lo'] + shift} <= {v['name']}")
            lines.append(f"{v['name']} <= {v['hi'] + shift}")
    lines += [rule(r["tree"], low) for r in model["constraints"]]
    constraint, variables = cst.parse_expression(" ;\n".join(lines) + " ;")
    order = [cst.ValueRefinement(v["name"]) for v in model["variables"]]
    return len(cst.solve_constrint(constraint, variables, order, 1)), None


if __name__ == "__main__":
    if sys.argv[1] == "--version":
        print(json.dumps({"version": "checkout" if load() else ""}))
    else:
        common.main("", solve)
