"""OR-tools CP-SAT on one worker. Sub-terms that are not linear become variables of their own, and
every literal is tied to its comparison in both directions, so that each solution comes once."""

from ortools.sat.python import cp_model

import common

LARGEST = 2**62
COMPARE = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def clamp(value):
    return max(-LARGEST, min(LARGEST, value))


class Builder:
    def __init__(self, model):
        self.cp = cp_model.CpModel()
        self.variables = {}
        self.bounds = {}
        for v in model["variables"]:
            if "values" in v:
                domain = cp_model.Domain.from_values(v["values"])
                self.variables[v["name"]] = self.cp.new_int_var_from_domain(domain, v["name"])
                self.bounds[v["name"]] = (min(v["values"]), max(v["values"]))
            else:
                self.variables[v["name"]] = self.cp.new_int_var(v["lo"], v["hi"], v["name"])
                self.bounds[v["name"]] = (v["lo"], v["hi"])
        for rule in model["constraints"]:
            self.require(rule["tree"])

    def fresh(self, bounds):
        return self.cp.new_int_var(clamp(bounds[0]), clamp(bounds[1]), "")

    def term(self, tree, cap=None):
        """(expression, (lowest, highest)); `cap` is a bound that the whole term must keep."""
        if isinstance(tree, int):
            return tree, (tree, tree)
        if isinstance(tree, str):
            return self.variables[tree], self.bounds[tree]
        op = tree[0]
        if op in COMPARE or op in ("and", "or", "not", "implies", "iff"):  # as a number
            return self.literal(tree), (0, 1)
        # Factors and summands that are never negative keep the bound of the whole. CP-SAT refuses
        # products that might overflow, so this lets it take models it could not take otherwise.
        inner = cap if op in ("*", "+") and self.positive(tree[1], tree[2]) else None
        a, (al, ah) = self.term(tree[1], inner)
        if op == "neg":
            return -a, (-ah, -al)
        if op == "abs":
            bounds = (0, max(abs(al), abs(ah)))
            result = self.fresh(bounds)
            self.cp.add_abs_equality(result, a)
            return result, bounds
        if op == "^":
            result, bounds = a, (al, ah)
            for _ in range(tree[2] - 1):
                result, bounds = self.product(result, bounds, a, (al, ah), cap)
            return result, bounds
        b, (bl, bh) = self.term(tree[2], inner)
        if op == "+":
            return a + b, (al + bl, ah + bh)
        if op == "-":
            return a - b, (al - bh, ah - bl)
        if op == "*":
            return self.product(a, (al, ah), b, (bl, bh), inner)
        if op in ("%", "/"):
            if bl <= 0 or al < 0:
                raise common.Unsupported("division by what may be zero or of negatives")
            bounds = (0, min(ah, bh - 1)) if op == "%" else (al // bh, ah // bl)
            result = self.fresh(bounds)
            (self.cp.add_modulo_equality if op == "%" else self.cp.add_division_equality)(
                result, a, b
            )
            return result, bounds
        if op in ("min", "max"):
            bounds = (min(al, bl), min(ah, bh)) if op == "min" else (max(al, bl), max(ah, bh))
            result = self.fresh(bounds)
            (self.cp.add_min_equality if op == "min" else self.cp.add_max_equality)(result, [a, b])
            return result, bounds
        raise common.Unsupported("term " + op)

    def positive(self, *trees):
        """Whether these are products and sums of what is at least 1."""
        for tree in trees:
            if isinstance(tree, int):
                if tree < 1:
                    return False
            elif isinstance(tree, str):
                if self.bounds[tree][0] < 1:
                    return False
            elif tree[0] not in ("*", "+", "^") or not self.positive(*tree[1:]):
                return False
        return True

    def product(self, a, a_bounds, b, b_bounds, cap=None):
        corners = [x * y for x in a_bounds for y in b_bounds]
        bounds = (min(corners), max(corners))
        if cap is not None:
            bounds = (bounds[0], min(bounds[1], cap))
        if isinstance(a, int) or isinstance(b, int):
            return a * b, bounds
        result = self.fresh(bounds)
        self.cp.add_multiplication_equality(result, [a, b])
        return result, bounds

    def require(self, tree):
        if tree[0] == "and":
            self.require(tree[1])
            self.require(tree[2])
        elif tree[0] in COMPARE:
            cap = tree[2] if tree[0] in ("==", "<=") and isinstance(tree[2], int) else None
            a, _ = self.term(tree[1], cap)
            b, _ = self.term(tree[2])
            relation = COMPARE[tree[0]](a, b)
            if relation is False:
                self.cp.add_bool_or([])
            elif relation is not True:
                self.cp.add(relation)
        else:
            self.cp.add_bool_or([self.literal(tree)])

    def literal(self, tree):
        op = tree[0]
        if op in COMPARE:
            a, _ = self.term(tree[1])
            b, _ = self.term(tree[2])
            result = self.cp.new_bool_var("")
            self.cp.add(COMPARE[op](a, b)).only_enforce_if(result)
            self.cp.add(COMPARE[OPPOSITE[op]](a, b)).only_enforce_if(~result)
            return result
        if op == "not":
            return ~self.literal(tree[1])
        a, b = self.literal(tree[1]), self.literal(tree[2])
        if op == "implies":
            op, a = "or", ~a
        result = self.cp.new_bool_var("")
        if op == "and":
            self.cp.add_bool_and([a, b]).only_enforce_if(result)
            self.cp.add_bool_or([~a, ~b]).only_enforce_if(~result)
        elif op == "or":
            self.cp.add_bool_or([a, b]).only_enforce_if(result)
            self.cp.add_bool_and([~a, ~b]).only_enforce_if(~result)
        elif op == "iff":
            self.cp.add(a == b).only_enforce_if(result)
            self.cp.add(a != b).only_enforce_if(~result)
        else:
            raise common.Unsupported("relation " + op)
        return result


class Keeper(cp_model.CpSolverSolutionCallback):
    def __init__(self, variables):
        super().__init__()
        self.variables = variables
        self.rows = []

    def on_solution_callback(self):
        self.rows.append(tuple(self.value(v) for v in self.variables))


def solve(request):
    model = request["model"]
    builder = Builder(model)
    task = request["task"]
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = request["limit_s"]
    keeper = None
    if task == "best":
        term, _ = builder.term(model["objective"]["tree"])
        (builder.cp.maximize if model["objective"]["maximize"] else builder.cp.minimize)(term)
    elif task != "first":
        solver.parameters.enumerate_all_solutions = True
        keeper = Keeper(list(builder.variables.values()))
    status = solver.solve(builder.cp, keeper)
    if status == cp_model.MODEL_INVALID:
        raise common.Unsupported("model refused, its terms may pass 2^62")
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    count = len(keeper.rows) if keeper else int(found)
    finished = status in (cp_model.OPTIMAL, cp_model.INFEASIBLE) or (task == "first" and found)
    if not finished:
        raise common.OutOfTime(count)
    return count, int(solver.objective_value) if task == "best" and found else None


if __name__ == "__main__":
    common.main("ortools", solve)
