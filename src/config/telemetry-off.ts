/**
 * ONNX Runtime's Linux library reports to its maker unless told otherwise, and listens only to the
 * environment of the process. Whoever wants the reports sets ORT_DISABLE_TELEMETRY=0.
 */
process.env.ORT_DISABLE_TELEMETRY ??= '1';
