"""What dbt does anew for every node and call though it stays the same, done once: half its time.

What belongs here: changes to dbt that leave its results as they are. What does not: how dbt is
called (transform). Each rests on dbt's inside, so each says what it costs without; a run with none
of them gives the same tables (tests/integration/test_lean_dbt.py).
"""

from __future__ import annotations

import functools
from typing import Any

_ASKED_FOR_BY_NAME = frozenset(
    {
        "get_where_subquery",
        "noop_statement",
        "materialization_seed_default",
        "materialization_test_default",
    }
)
"""Macros that dbt's Python calls, beside those that adapters name in constants."""


@functools.cache
def make_lean() -> None:
    """Change dbt in this process; a second call does nothing."""
    _tell_nobody()
    _word_events_when_read()
    _keep_the_graph()
    _keep_the_empty_table()
    _keep_compiled_templates()
    _keep_the_context_of_a_node()


def drop_idle_macros(manifest: Any) -> None:
    """Take the macros out of a parsed project that no node can reach, in place.

    dbt makes an object of every macro, some 700, for each node twice: an eighth of its time.
    """
    from dbt.adapters.base import impl as base
    from dbt.adapters.sql import impl as sql

    macros = manifest.macros
    asked_for = _ASKED_FOR_BY_NAME | {
        name
        for constant, name in (vars(base) | vars(sql)).items()
        if constant.endswith("_MACRO_NAME")
    }
    named = asked_for | {
        f"{owner}__{name}" for owner in ("default", "duckdb") for name in asked_for
    }
    project = manifest.metadata.project_name
    ahead = [
        unique_id
        for unique_id, macro in macros.items()
        if macro.package_name == project or macro.name in named
    ]
    ahead += [name for node in manifest.nodes.values() for name in node.depends_on.macros]
    reached: set[str] = set()
    while ahead:
        unique_id = ahead.pop()
        if unique_id in macros and unique_id not in reached:
            reached.add(unique_id)
            ahead += macros[unique_id].depends_on.macros
    for unique_id in macros.keys() - reached:
        del macros[unique_id]


def _tell_nobody() -> None:
    """Let dbt tell no events: what became of each node comes with the result. A quarter."""
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager

    class Silent(EventManager):
        def fire_event(self, *told: Any, **named: Any) -> None:
            """Tell nobody."""

    ctx_set_event_manager(Silent())


def _word_events_when_read() -> None:
    """Let dbt build the message of an event when somebody reads it, not when it happens.

    dbt makes some 4000 events a run, whoever listens: a tenth of its time.
    """
    from dbt_common.events.base_types import BaseEvent

    build = BaseEvent.__init__

    def keep(event: Any, *told: Any, **named: Any) -> None:
        event.__dict__["_told"] = (told, named)

    class Message:
        def __get__(self, event: Any, owner: type | None = None) -> Any:
            told, named = event.__dict__["_told"]
            build(event, *told, **named)
            return event.__dict__["pb_msg"]

    BaseEvent.__init__ = keep
    BaseEvent.pb_msg = Message()


def _keep_the_graph() -> None:
    """Link the project's graph once, not in each call; selections copy from it. A tenth."""
    from dbt.compilation import Compiler

    link = Compiler.compile
    linked: dict[tuple[int, bool], tuple[Any, Any]] = {}

    def compile_once(
        compiler: Any, manifest: Any, write: bool = True, add_test_edges: bool = False
    ) -> Any:
        key = (id(manifest), add_test_edges)
        if key not in linked:
            graph = link(compiler, manifest, write=write, add_test_edges=add_test_edges)
            linked[key] = (manifest, graph)  # the manifest is kept, so its id stays its own
        else:
            compiler.initialize()
        return linked[key][1]

    Compiler.compile = compile_once


def _keep_the_empty_table() -> None:
    """Make one empty answer for all statements that answer nothing: a twenty-fifth."""
    from dbt_common.clients import agate_helper

    agate_helper.empty_table = functools.cache(agate_helper.empty_table)


def _keep_compiled_templates() -> None:
    """Compile a template's text once in a process that runs more than once. A twelfth."""
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    compile_source = MacroFuzzEnvironment.compile
    compiled: dict[tuple[type, str], Any] = {}

    def compile_once(environment: Any, source: Any, *more: Any, **named: Any) -> Any:
        if not isinstance(source, str) or any(more) or any(named.values()):
            return compile_source(environment, source, *more, **named)
        key = (type(environment), source)
        if key not in compiled:
            compiled[key] = compile_source(environment, source)
        return compiled[key]

    MacroFuzzEnvironment.compile = compile_once


def _keep_the_context_of_a_node() -> None:
    """Run a node in the context that it was compiled in, not in another one like it. An eighth."""
    import dbt.compilation
    import dbt.task.run
    from dbt.context.providers import ModelContext, RuntimeProvider

    compiled: dict[str, tuple[Any, dict[str, Any]]] = {}

    def to_compile(model: Any, config: Any, manifest: Any) -> dict[str, Any]:
        maker = ModelContext(model, config, manifest, RuntimeProvider(), None)
        context = maker.to_dict()
        compiled[model.unique_id] = (maker, context)
        return context

    def to_run(model: Any, config: Any, manifest: Any) -> dict[str, Any]:
        maker, context = compiled.pop(model.unique_id, (None, {}))
        if maker is None or maker.model is not model:
            return make(model, config, manifest)
        for key in ("model", "compiled_code", "sql"):  # what compiling has changed
            context[key] = getattr(maker, maker._context_attrs_[key])
        return context

    make = dbt.task.run.generate_runtime_model_context
    dbt.compilation.generate_runtime_model_context = to_compile
    dbt.task.run.generate_runtime_model_context = to_run
