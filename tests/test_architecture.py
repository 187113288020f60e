"""The layers of the package: imports go one way, and every name is found where the map says."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import seedrender

PACKAGE = Path(seedrender.__file__).parent
LAYERS = (
    *("errors", "values", "catalog", "source", "lock", "plan", "providers", "media", "sim"),
    *("project", "run", "cli"),
)
PURE = LAYERS[: LAYERS.index("plan") + 1]
IMPURE_MODULES = {"asyncio", "aiohttp", "aiofiles", "click", "os", "random", "time", "socket"}


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("seedrender", *path.relative_to(PACKAGE).with_suffix("").parts)
        name = ".".join(parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


def imports(tree: ast.Module, known: set[str]) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in known else str(node.module) for name in whole}
    return names


def layer(module: str) -> int:
    parts = module.split(".")
    if len(parts) == 1 or parts[1] == "__main__":
        return -1 if len(parts) == 1 else len(LAYERS)
    return LAYERS.index(parts[1])


def test_modules_import_from_their_own_layer_and_lower_ones_only() -> None:
    trees = modules()

    upwards = [
        f"{name} imports {used}"
        for name, tree in trees.items()
        for used in imports(tree, set(trees))
        if used.startswith("seedrender") and layer(used) > layer(name)
    ]

    assert upwards == []


def test_no_import_closes_a_circle() -> None:
    trees = modules()
    graph = {
        name: {used for used in imports(tree, set(trees)) if used in trees}
        for name, tree in trees.items()
    }

    order = list(TopologicalSorter(graph).static_order())

    assert len(order) == len(graph)


def test_the_simulator_and_the_providers_are_two_readings_of_one_wire() -> None:
    trees = modules()

    crossing = [
        f"{name} imports {used}"
        for name, tree in trees.items()
        for used in imports(tree, set(trees))
        if {name.split(".")[1:2] == ["sim"], used.startswith("seedrender.providers")} == {True}
    ]

    assert crossing == []


def test_the_core_reads_no_clock_no_environment_and_no_file() -> None:
    impure = [
        f"{name} imports {used}"
        for name, tree in modules().items()
        if len(name.split(".")) > 1 and name.split(".")[1] in PURE
        for used in imports(tree, set())
        if used.split(".")[0] in IMPURE_MODULES
    ]

    assert impure == []


def test_only_one_module_reads_yaml() -> None:
    readers = {name for name, tree in modules().items() if "yaml" in imports(tree, set())}

    assert readers == {"seedrender.source.yaml_text"}


def test_what_commands_print_goes_through_one_module() -> None:
    """Which escapes what a terminal would obey, and keeps documents for programs valid."""
    for path in (PACKAGE / "cli").glob("*.py"):
        calls = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call)
        }
        assert path.name == "console.py" or not calls & {"click.echo", "print"}, path.name


def test_modules_and_functions_are_of_a_readable_size() -> None:
    too_long = []
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text("utf-8")
        if text.count("\n") > 350:
            too_long.append(f"{path.name}: {text.count(chr(10))} lines")
        too_long += [
            f"{path.name}:{node.lineno} {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= 60
        ]

    assert too_long == []
