"""What dbt does anew for every node and call though it stays the same, done once: half its time.

What belongs here: changes to dbt that leave its results as they are. What does not: how dbt is
called (transform). Each rests on dbt's inside, so each says what it costs without; a run with none
of them gives the same tables (tests/integration/test_lean_dbt.py).
"""

from __future__ import annotations

import functools
from types import CodeType
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


def make_lean(templates: dict[str, CodeType]) -> None:
    """Change dbt in this process, once.

    Args:
        templates: What ``compiled_templates`` gave an earlier process; may be empty.
    """
    _tell_nobody()
    _word_events_when_read()
    _keep_what_is_installed()
    _leave_defaults_out_of_schemas()
    _keep_the_graph()
    _find_relations_by_name()
    _keep_the_empty_table()
    _keep_compiled_templates(templates)
    _keep_the_context_of_a_node()


def compiled_templates(manifest: Any) -> dict[str, CodeType]:
    """Return the Python code of the macros and nodes of a parsed project, by their Jinja text.

    It depends on the versions of Jinja, dbt and Python.
    """
    from dbt_common.clients.jinja import get_environment

    environment = get_environment()
    idle = _idle_macros(manifest)
    texts = {macro.macro_sql for key, macro in manifest.macros.items() if key not in idle}
    texts |= {node.raw_code for node in manifest.nodes.values()}
    return {text: environment.compile(text) for text in sorted(texts)}


def drop_idle_macros(manifest: Any) -> None:
    """Take the macros out of a parsed project that no node can reach, in place.

    dbt makes an object of every macro, some 700, for each node twice: an eighth of its time.
    """
    for unique_id in _idle_macros(manifest):
        del manifest.macros[unique_id]


def _idle_macros(manifest: Any) -> set[str]:
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
    return macros.keys() - _reached(macros, ahead)


def _reached(macros: Any, ahead: list[str]) -> set[str]:
    """Return the ids of macros and of all that they call."""
    ahead, reached = list(ahead), set()
    while ahead:
        unique_id = ahead.pop()
        if unique_id in macros and unique_id not in reached:
            reached.add(unique_id)
            ahead += macros[unique_id].depends_on.macros
    return reached


def _macros_for_all(manifest: Any) -> frozenset[str]:
    """Return what any node may come to call: dbt's macros and the project's that stand for them.

    What a macro is called on, ``materialization_table_duckdb`` or ``duckdb__as_number``, is chosen
    while it runs.
    """
    macros, project = manifest.macros, manifest.metadata.project_name
    of_dbt = {macro.name for macro in macros.values() if macro.package_name != project}
    chosen = ("materialization_", "duckdb__", "default__")
    ahead = [
        unique_id
        for unique_id, macro in macros.items()
        if macro.package_name != project or macro.name in of_dbt or macro.name.startswith(chosen)
    ]
    return frozenset(_reached(macros, ahead))


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


def _keep_what_is_installed() -> None:
    """Look for dbt's plugins once, not in each call, and for no caller's name. A thirtieth."""
    from dbt.plugins.manager import PluginManager
    from dbt_common.behavior_flags import BehaviorFlagRendered

    PluginManager.get_prefixed_modules = functools.cache(PluginManager.get_prefixed_modules)
    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")  # said in warnings only


def _leave_defaults_out_of_schemas() -> None:
    """Write no defaults into the schemas that dbt holds settings against, which ask for none.

    A class is made and compiled for each: a quarter of a second of a new process.
    """
    from dataclasses import MISSING

    from mashumaro.jsonschema import schema

    schema._default = lambda *_: MISSING


def _find_relations_by_name() -> None:
    """Hold a relation that is sought against those of its name, not of its schema. A fiftieth."""
    from dbt.adapters.base.impl import BaseAdapter

    match = BaseAdapter._make_match

    def match_named(adapter: Any, relations: Any, database: str, schema: str, name: str) -> Any:
        named = [found for found in relations if found.identifier.lower() == name.lower()]
        return match(adapter, named, database, schema, name)

    BaseAdapter._make_match = match_named


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


def _keep_compiled_templates(templates: dict[str, CodeType]) -> None:
    """Compile a template's text once: at setting up, else once in a process. A tenth."""
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    compile_source = MacroFuzzEnvironment.compile
    compiled: dict[tuple[type, str], Any] = {
        (MacroFuzzEnvironment, text): code for text, code in templates.items()
    }

    def compile_once(environment: Any, source: Any, *more: Any, **named: Any) -> Any:
        if not isinstance(source, str) or any(more) or any(named.values()):
            return compile_source(environment, source, *more, **named)
        key = (type(environment), source)
        if key not in compiled:
            compiled[key] = compile_source(environment, source)
        return compiled[key]

    MacroFuzzEnvironment.compile = compile_once


def _keep_the_context_of_a_node() -> None:
    """Run a node in the context that it was compiled in, not in another one like it. An eighth.

    The context has the project's macros that the node reaches and those that stand for dbt's own,
    not all of them: another twelfth.
    """
    import dbt.compilation
    import dbt.task.run
    from dbt.context.providers import ModelContext, RuntimeProvider

    compiled: dict[str, tuple[Any, dict[str, Any]]] = {}
    for_all: dict[int, tuple[Any, frozenset[str]]] = {}  # with its manifest, so an id stays its own

    class ContextOfANode(ModelContext):
        def _build_namespace(self) -> Any:
            macros = self.manifest.macros
            if id(self.manifest) not in for_all:
                for_all[id(self.manifest)] = (self.manifest, _macros_for_all(self.manifest))
            _, ids = for_all[id(self.manifest)]
            ids = ids | _reached(macros, self.model.depends_on.macros)
            packages: dict[str, dict[str, Any]] = {}
            for unique_id in ids:
                macro = macros[unique_id]
                packages.setdefault(macro.package_name, {})[macro.name] = macro
            return self._get_namespace_builder().build_namespace(packages, self._ctx)

    def to_compile(model: Any, config: Any, manifest: Any) -> dict[str, Any]:
        maker = ContextOfANode(model, config, manifest, RuntimeProvider(), None)
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
