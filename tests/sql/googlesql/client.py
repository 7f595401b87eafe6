"""The analyzer itself: WebAssembly, compiled once on a machine and kept under build/."""

from __future__ import annotations

import ctypes
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import wasmtime
from zetasql.core import wasm_client
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_node_kind_pb2 as kinds

BUILD = Path(__file__).parents[3] / "build"

# What ZetaSQL knows and BigQuery does not, or not for everybody.
NOT_IN_BIGQUERY = """
    ADDITIONAL_DATE_TIME_FUNCTIONS AGGREGATE_FILTERING ALIASES_FOR_STRING_AND_DATE_FUNCTIONS ARRAY_AGGREGATION_FUNCTIONS
    ARRAY_EQUALITY ARRAY_FIND_FUNCTIONS ARRAY_GREATEST_LEAST ARRAY_ORDERING ARRAY_ZIP BITWISE_AGGREGATE_BYTES_SIGNATURES
    BRACED_PROTO_CONSTRUCTORS CAST_DIFFERENT_ARRAY_TYPES CHAINED_FUNCTION_CALLS COLLATION_IN_EXPLICIT_CAST
    CORRELATED_REFS_IN_NESTED_DML DML_RETURNING DOT_PRODUCT ENABLE_CONSTANT_EXPRESSION_IN_JSON_PATH ENABLE_MEASURES
    EXPERIMENTAL_MODULES EXTRACT_FROM_PROTO FILTER_FIELDS FIRST_AND_LAST_N FOR_UPDATE GENERATED_BY_DEFAULT
    GENERATED_COLUMNS IDENTITY_COLUMNS INLINE_LAMBDA_ARGUMENT INSERT_ON_CONFLICT_CLAUSE JSON_FLATTEN_FUNCTION
    JSON_TYPE_COMPARISON L1_NORM L2_NORM LATERAL_COLUMN_REFERENCES LATERAL_JOIN LIMIT_ALL LIMIT_OFFSET_EXPRESSIONS
    LITERAL_CONCATENATION MANHATTAN_DISTANCE MAP_TYPE MULTILEVEL_AGGREGATION MULTILEVEL_AGGREGATION_ON_UDAS
    MULTIWAY_UNNEST MULTI_GROUPING_SETS NULLIFZERO_ZEROIFNULL PI_FUNCTIONS PROTO_BASE PROTO_MAPS REPEAT REPLACE_FIELDS
    ROW_TYPE SINGLETON_UNNEST_INFERS_ALIAS STRUCT_BRACED_CONSTRUCTORS STRUCT_POSITIONAL_ACCESSOR
    TEMPLATED_SQL_FUNCTION_RESOLVE_WITH_TYPED_ARGS TIMESTAMP_NANOS TIMESTAMP_PICOS TIMESTAMP_PRECISION TYPEOF_FUNCTION
    UNNEST_AND_FLATTEN_ARRAYS UPDATE_CONSTRUCTOR UUID_TYPE WITH_GROUP_ROWS
""".split()


class GoogleSql(wasm_client.WasmClient):
    """One analyzer. Starting it takes 0.2 s, and 25 s more where nobody has compiled it yet."""

    def __init__(self) -> None:
        original, wasm_client.Module = wasm_client.Module, _Compiled
        try:
            super().__init__(get_wasm_path())
        finally:
            wasm_client.Module = original
        self.options = self._options()

    def call(self, method: str, request: Any, response: Any) -> Any:
        return self.call_grpc_func(f"ZetaSqlLocalService_{method}", request, response)

    def write_bytes(self, ptr: int, data: bytes) -> None:
        """Write in one go: the client's own way takes a Python step for each byte."""
        ctypes.memmove(self._memory() + ptr, bytes(data), len(data))

    def read_bytes(self, ptr: int, size: int) -> bytes:
        return ctypes.string_at(self._memory() + ptr, size)

    def parsed(self, script: str) -> Any:
        """Return the syntax tree of a script. Raises zetasql's ServerError with line and column."""
        request = service.ParseRequest(sql_statement=script, allow_script=True)
        request.options.CopyFrom(self.options.language_options)
        return self.call("Parse", request, service.ParseResponse).parsed_script

    def resolved(self, statement: str, catalog: int, parameters: dict[str, Any]) -> Any:
        """Return the resolved tree of one statement. Raises zetasql's ServerError with line and column."""
        request = service.AnalyzeRequest(sql_statement=statement, registered_catalog_id=catalog)
        request.options.CopyFrom(self.options)
        for name, type_ in parameters.items():
            request.options.query_parameters.add(name=name, type=type_)
        return self.call("Analyze", request, service.AnalyzeResponse).resolved_statement

    def evaluated(self, expression: str, catalog: int) -> Any:
        """Return what the reference implementation makes of an expression without columns."""
        request = service.PrepareRequest(sql=expression, registered_catalog_id=catalog)
        request.options.CopyFrom(self.options)
        prepared = self.call("Prepare", request, service.PrepareResponse).prepared.prepared_expression_id
        done = self.call("Evaluate", service.EvaluateRequest(prepared_expression_id=prepared), service.EvaluateResponse)
        return done.value

    def registered(self, catalog: Any) -> int:
        """Return the id of a catalog that is read once, and not with each statement."""
        request = service.RegisterCatalogRequest(simple_catalog=catalog)
        return int(self.call("RegisterCatalog", request, service.RegisterResponse).registered_id)

    def _memory(self) -> int:
        return ctypes.addressof(self.memory.data_ptr().contents)

    def _options(self) -> Any:
        request = service.LanguageOptionsRequest(maximum_features=True)
        known = self.call("GetLanguageOptions", request, options_pb2.LanguageOptionsProto)
        off = {public.LanguageFeature.Value(f"FEATURE_{name}") for name in NOT_IN_BIGQUERY}
        options = options_pb2.AnalyzerOptionsProto(
            error_message_mode=public.ERROR_MESSAGE_ONE_LINE, default_timezone="UTC", prune_unused_columns=True
        )
        language = options.language_options
        language.product_mode = public.PRODUCT_EXTERNAL
        language.reserved_keywords.append("QUALIFY")
        language.enabled_language_features.extend(f for f in known.enabled_language_features if f not in off)
        statements = [value for name, value in kinds.ResolvedNodeKind.items() if name.endswith("_STMT")]
        language.supported_statement_kinds.extend(statements)
        return options


class _Compiled:
    """Stands for wasmtime.Module while a client starts."""

    @staticmethod
    def from_file(engine: wasmtime.Engine, path: str) -> wasmtime.Module:
        # Another version of either makes another file, so that what was compiled before is never loaded by mistake.
        kept = BUILD / f"zetasql-{version('zetasql')}-wasmtime-{version('wasmtime')}.cwasm"
        if kept.exists():
            return wasmtime.Module.deserialize_file(engine, str(kept))
        module = wasmtime.Module.from_file(engine, path)
        BUILD.mkdir(exist_ok=True)
        # Two workers may compile at once: each writes a file of its own, and renaming it is one step.
        handle, written = tempfile.mkstemp(dir=BUILD, prefix=kept.name)
        with os.fdopen(handle, "wb") as file:
            file.write(module.serialize())
        Path(written).replace(kept)
        return module
