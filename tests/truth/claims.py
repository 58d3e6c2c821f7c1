"""Holds a report against the tree of values that it should have: no leaf unclaimed, no claim unmet.

A claim is a plain value (counts, names and flags exactly, floats to RELATIVE) or one of the classes below.
"""

import math

RELATIVE = 1e-6
ABSOLUTE = 1e-9  # of what should be zero, such as a cosine


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_near(got, expected, relative=RELATIVE, absolute=ABSOLUTE):
    return is_number(got) and abs(got - expected) <= absolute + relative * abs(expected)


class Given:
    """A leaf that says what was asked for, where it ran or how it is defined: not a result."""

    def problem(self, got):
        return "" if isinstance(got, (str, int, float)) else f"got {got!r}, expected one value"


class Near:
    """A number that the documentation calls approximate."""

    def __init__(self, value, relative):
        self.value, self.relative = value, relative

    def problem(self, got):
        near = is_near(got, self.value, self.relative, 0)
        return "" if near else f"got {got!r}, expected {self.value!r} within {self.relative}"


class Rounded:
    """A number that is told in four digits. What is `noise` of zero may be anything as small."""

    def __init__(self, value, noise=ABSOLUTE):
        self.value, self.noise = float(value), noise

    def problem(self, got):
        # The digits may fall to either side where the number lies on the edge between two of them.
        slack = self.noise + RELATIVE * abs(self.value)
        fits = [float(f"{self.value + change:.4g}") for change in (-slack, 0, slack)]
        is_fit = is_number(got) and (min(fits) <= got <= max(fits) or abs(got) <= self.noise >= abs(self.value))
        return "" if is_fit else f"got {got!r}, expected {self.value!r} in four digits"


class Satisfies:
    """Something without a unique truth; `check` returns what is wrong with it, or nothing."""

    def __init__(self, check):
        self.check = check

    def problem(self, got):
        return self.check(got)


def number(value):
    """As the report tells it: what is no number is null."""
    return float(value) if value is not None and math.isfinite(value) else None


def digits(value, noise=ABSOLUTE):
    return Rounded(value, noise) if math.isfinite(value) else None


def differences(got, expected, path=""):
    """One sentence for each leaf of either tree that the other does not meet."""
    if hasattr(expected, "problem"):
        problem = expected.problem(got)
        return [f"{path}: {problem}"] if problem else []
    if isinstance(expected, dict) and isinstance(got, dict):
        return differences_of_keys(got, expected, path)
    if isinstance(expected, (list, tuple)) and isinstance(got, list):
        if len(got) != len(expected):
            return [f"{path}: got {len(got)} entries, expected {len(expected)}"]
        pairs = enumerate(zip(got, expected))
        return [line for index, (g, e) in pairs for line in differences(g, e, f"{path}[{index}]")]
    if isinstance(expected, float):
        return [] if is_near(got, expected) else [f"{path}: got {got!r}, expected {expected!r}"]
    same = type(got) is type(expected) and got == expected
    return [] if same else [f"{path}: got {got!r}, expected {expected!r}"]


def differences_of_keys(got, expected, path):
    lines = []
    for key in {**expected, **got}:
        name = f"{path}.{key}" if path else key
        if key not in got:
            lines.append(f"{name}: missing")
        elif key not in expected:
            lines.append(f"{name}: nobody claims it")
        else:
            lines += differences(got[key], expected[key], name)
    return lines


def changed(tree):
    """The same report with every leaf a little different."""
    if isinstance(tree, dict):
        return {key: changed(child) for key, child in tree.items()}
    if isinstance(tree, list):
        return [changed(child) for child in tree]
    if isinstance(tree, bool):
        return not tree
    if isinstance(tree, str):
        return tree + "?"
    if isinstance(tree, int):
        return tree + 1
    return 0.0 if tree is None else 1.02 * tree + 0.001


def leaves(tree, path=""):
    """The paths of all that `differences` may name."""
    if isinstance(tree, dict):
        children = [(f"{path}.{key}" if path else key, child) for key, child in tree.items()]
    elif isinstance(tree, list):
        children = [(f"{path}[{index}]", child) for index, child in enumerate(tree)]
    else:
        return [path]
    return [leaf for name, child in children for leaf in leaves(child, name)]


def hollow(tree):
    """The fields, list indices left out, that hold an empty list or null wherever they are."""
    found = {}

    def visit(node, path):
        found[path] = found.get(path, False) or not (node is None or node == [])
        if isinstance(node, dict):
            for key, child in node.items():
                visit(child, f"{path}.{key}" if path else key)
        elif isinstance(node, list):
            for child in node:
                visit(child, path + "[]")

    visit(tree, "")
    return {path for path, is_filled in found.items() if not is_filled}
