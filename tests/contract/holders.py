"""holders: what TensorRT's objects are called in our code, which tells their class."""

MODULE = "the module"
HOLDERS = {  # name -> class
    "builder": "Builder",
    "cache": "ITimingCache",
    "config": "IBuilderConfig",
    "context": "IExecutionContext",
    "engine": "ICudaEngine",
    "inspector": "EngineInspector",
    "layer": "ILayer",
    "module": MODULE,
    "network": "INetworkDefinition",
    "parser": "OnnxParser",
    "profile": "IOptimizationProfile",
    "registry": "IPluginRegistry",
    "runtime": "Runtime",
    "tensor": "ITensor",
    "tensorrt": MODULE,
    "trt": MODULE,
}
GIVES = {  # class <- the methods and properties that give one
    "DataType": "dtype get_binding_dtype get_tensor_dtype",
    "EngineInspector": "create_engine_inspector",
    "IBuilderConfig": "create_builder_config",
    "ICudaEngine": "deserialize_cuda_engine",
    "IExecutionContext": "create_execution_context create_execution_context_without_device_memory",
    "ILayer": "get_layer",
    "INetworkDefinition": "create_network",
    "IOptimizationProfile": "create_optimization_profile",
    "IPluginRegistry": "get_plugin_registry",
    "ITensor": "get_input get_output",
    "ITimingCache": "create_timing_cache get_timing_cache",
    "ParserError": "get_error",
    "TensorIOMode": "get_tensor_mode",
    "TensorLocation": "get_location get_tensor_location",
}
GIVEN = {name: owner for owner, names in GIVES.items() for name in names.split()}
