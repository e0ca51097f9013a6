"""A package's tables are read by queries alone and written only by their own package."""

import grimp

READERS = {"models", "queries"}


def doors_passed_by(graph):
    """Return the imports that reach into a neighbour's tables."""
    wrong = []
    for tables in sorted(graph.find_matching_modules("app.*.models")):
        home = tables.split(".")[1]
        for importer in sorted(graph.find_modules_that_directly_import(tables)):
            package, part = importer.split(".")[1], importer.split(".")[-1]
            if package != home and part not in READERS:
                wrong.append(f"{importer} reaches into {tables}")
    return wrong


def test_only_readers_touch_a_neighbours_tables():
    assert doors_passed_by(grimp.build_graph("app")) == []


def test_a_service_that_reaches_into_a_neighbours_tables_is_found():
    graph = grimp.ImportGraph()
    graph.add_import(importer="app.needs.service", imported="app.stock.models")
    graph.add_import(importer="app.needs.queries", imported="app.stock.models")
    assert doors_passed_by(graph) == ["app.needs.service reaches into app.stock.models"]
