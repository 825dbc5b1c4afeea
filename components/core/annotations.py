"""Keys of the annotations that ModelMesh Serving reads."""

PREFIX = "serving.kserve.io/"

# Annotations of an InferenceService.
MODE, RUNTIME, STORAGE_KEY, SCHEMA_PATH = (
    f"{PREFIX}{key}" for key in ("deploymentMode", "servingRuntime", "secretKey", "schemaPath")
)
# Annotations of a runtime.
CLASS, METRIC, UTILIZATION, LEAST, MOST = (
    f"{PREFIX}{key}" for key in ("autoscalerClass", "metrics", "targetUtilizationPercentage", "min-scale", "max-scale")
)
LOADING_CONCURRENCY, MODEL_CONCURRENCY, PRODUCT_CONFIG = (
    "maxLoadingConcurrency",
    "perModelConcurrencyLimit",
    "productConfig",
)
