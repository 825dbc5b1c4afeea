"""The annotations that ModelMesh Serving reads, by their keys."""

PREFIX = "serving.kserve.io/"

# Of an InferenceService.
MODE, RUNTIME, STORAGE_KEY, SCHEMA_PATH = (
    f"{PREFIX}{key}" for key in ("deploymentMode", "servingRuntime", "secretKey", "schemaPath")
)
# Of a runtime.
CLASS, METRIC, UTILIZATION, LEAST, MOST = (
    f"{PREFIX}{key}" for key in ("autoscalerClass", "metrics", "targetUtilizationPercentage", "min-scale", "max-scale")
)
LOADING_CONCURRENCY, MODEL_CONCURRENCY, PRODUCT_CONFIG = (
    "maxLoadingConcurrency",
    "perModelConcurrencyLimit",
    "productConfig",
)
