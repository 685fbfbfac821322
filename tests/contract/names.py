"""names: which names each TensorRT has: as captured in members/, or by rule."""

import functools
import json
import pathlib
from typing import Callable, Dict, FrozenSet, NamedTuple

MEMBERS = pathlib.Path(__file__).resolve().parent / "members"

REAL = ("8.6.1", "10.3.0", "10.13.3.9", "10.16.1.11", "11.4.0.106")  # bindings that can be had
VERSIONS = ("8.2.1", "8.4.1", "8.5.2") + REAL

# 8.4.1 is 8.2.1 with these of 8.6.1: read off its own wheel, which is too large to fetch each time.
CAME_WITH_8_4 = {
    "MemoryPoolType",
    "get_builder_plugin_registry",
    "IBuilderConfig.set_memory_pool_limit",
    "IBuilderConfig.get_memory_pool_limit",
    "Builder.max_threads",
    "Refitter.max_threads",
    "Runtime.max_threads",
    "TacticSource.EDGE_MASK_CONVOLUTIONS",
}
# 8.5.2 is 8.6.1 without these at least: what is known to be new, and what goes with it.
CAME_WITH_8_6 = {
    "HardwareCompatibilityLevel",
    "OnnxParserFlag",
    "TempfileControlFlag",
    "fp8",
    "BuilderFlag.EXCLUDE_LEAN_RUNTIME",
    "BuilderFlag.FP8",
    "BuilderFlag.VERSION_COMPATIBLE",
    "DataType.FP8",
    "IBuilderConfig.builder_optimization_level",
    "IBuilderConfig.hardware_compatibility_level",
    "IBuilderConfig.max_aux_streams",
    "IBuilderConfig.plugins_to_serialize",
    "ICudaEngine.hardware_compatibility_level",
    "ICudaEngine.num_aux_streams",
    "IExecutionContext.set_aux_streams",
    "IPluginRegistry.deregister_library",
    "IPluginRegistry.load_library",
    "OnnxParser.clear_flag",
    "OnnxParser.flags",
    "OnnxParser.get_flag",
    "OnnxParser.get_used_vc_plugin_libraries",
    "OnnxParser.set_flag",
    "PreviewFeature.PROFILE_SHARING_0806",
    "Runtime.engine_host_code_allowed",
    "Runtime.load_runtime",
    "Runtime.tempfile_control_flags",
    "Runtime.temporary_directory",
}


class Names(NamedTuple):
    """What one TensorRT has: the module's own names, and each class's, inherited ones included."""

    version: str
    module: FrozenSet[str]
    classes: Dict[str, FrozenSet[str]]

    @property
    def anywhere(self) -> FrozenSet[str]:
        """The names on any of it."""
        return self.module.union(*self.classes.values())

    def has(self, owner: str, member: str) -> bool:
        return member in self.classes.get(owner, ())


@functools.lru_cache(maxsize=None)
def names_of(version: str) -> Names:
    if version == "8.4.1":
        older = names_of("8.2.1")
        return _kept(
            version,
            lambda owner: owner in older.module | CAME_WITH_8_4,
            lambda owner, member: (
                older.has(owner, member)
                or "{}.{}".format(owner, member) in CAME_WITH_8_4
                or (owner in CAME_WITH_8_4 and member != "TACTIC_DRAM")
            ),
        )
    if version == "8.5.2":
        return _kept(
            version,
            lambda owner: owner not in CAME_WITH_8_6,
            lambda owner, member: "{}.{}".format(owner, member) not in CAME_WITH_8_6,
        )
    read = json.loads((MEMBERS / (version + ".json")).read_text(encoding="utf-8"))
    classes = {name: frozenset(members) for name, members in read["classes"].items()}
    return Names(version, frozenset(read["module"]), classes)


def _kept(
    version: str, keep_name: Callable[[str], bool], keep_member: Callable[[str, str], bool]
) -> Names:
    """8.6.1, less what is not kept."""
    newer = names_of("8.6.1")
    classes = {
        owner: frozenset(member for member in members if keep_member(owner, member))
        for owner, members in newer.classes.items()
        if keep_name(owner)
    }
    return Names(version, frozenset(filter(keep_name, newer.module)), classes)
