{{- define "nestor.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What tells this release's pods from others; it may never change. */}}
{{- define "nestor.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "nestor.labels" -}}
{{ include "nestor.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "nestor.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "nestor.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "nestor.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{- define "nestor.scales" -}}
{{- if or .Values.keda.enabled .Values.autoscaling.enabled -}}yes{{- end -}}
{{- end -}}

{{/* The least number of pods that there will be. */}}
{{- define "nestor.minReplicas" -}}
{{- if .Values.keda.enabled -}}{{ .Values.keda.minReplicas }}
{{- else if .Values.autoscaling.enabled -}}{{ .Values.autoscaling.minReplicas }}
{{- else -}}{{ .Values.replicas }}
{{- end -}}
{{- end -}}

{{/* Bytes of "512mb", "2Gi" or "1000000"; 0 of what is none of them. */}}
{{- define "nestor.bytes" -}}
{{- $text := . | toString | lower -}}
{{- $number := regexFind "^[0-9]+" $text | default "0" | int64 -}}
{{- $unit := regexReplaceAll "^[0-9]+" $text "" -}}
{{- $factor := get (dict "" 1 "k" 1000 "ki" 1024 "kb" 1024 "m" 1000000 "mi" 1048576 "mb" 1048576 "g" 1000000000 "gi" 1073741824 "gb" 1073741824) $unit | default 0 | int64 -}}
{{- mul $number $factor -}}
{{- end -}}

{{- define "nestor.check" -}}
{{- $limit := include "nestor.bytes" (dig "limits" "memory" "0" .Values.resources) | int64 -}}
{{- $worker := include "nestor.bytes" (get .Values.settings "WORKER_MEMORY_LIMIT" | default "0") | int64 -}}
{{- if and (gt $limit 0) (ge $worker $limit) -}}
{{- fail (printf "settings.WORKER_MEMORY_LIMIT (%s) has to be less than resources.limits.memory (%s): else the pod is killed before its worker is replaced" (get .Values.settings "WORKER_MEMORY_LIMIT" | toString) (toString .Values.resources.limits.memory)) -}}
{{- end -}}
{{- range list "PORT" "MANAGEMENT_PORT" "MODEL_DIR" "MODEL_NAME" "MODEL_SOURCES" "MODEL_SOURCES_INTERVAL_MS" "SHUTDOWN_DELAY_MS" "SHUTDOWN_TIMEOUT_MS" -}}
{{- if hasKey $.Values.settings . -}}
{{- fail (printf "settings.%s: the chart sets it by a value of its own" .) -}}
{{- end -}}
{{- end -}}
{{- if ge (int64 .Values.shutdown.delayMs) (int64 .Values.shutdown.timeoutMs) -}}
{{- fail "shutdown.timeoutMs has to be more than shutdown.delayMs, which it includes" -}}
{{- end -}}
{{- if and (eq .Values.models.from "claim") (not .Values.models.claim.name) -}}
{{- fail "models.claim.name: the name of the claim that the models are on" -}}
{{- end -}}
{{- if and (eq .Values.models.from "imageVolume") (not .Values.models.imageVolume.reference) -}}
{{- fail "models.imageVolume.reference: the image that the models are in" -}}
{{- end -}}
{{- if and (eq .Values.models.from "sources") (not .Values.models.sources.addresses) -}}
{{- fail "models.sources.addresses: where the models are fetched from" -}}
{{- end -}}
{{- if and .Values.models.name (has .Values.models.from (list "image" "sources")) -}}
{{- fail "models.name is for models.from claim or imageVolume: what else there is has a folder of several models" -}}
{{- end -}}
{{- end -}}

{{/* The folder of the models in the container: an image that is mounted has them in a folder of its own. */}}
{{- define "nestor.modelDir" -}}
{{- if and (eq .Values.models.from "imageVolume") .Values.models.imageVolume.subPath -}}
/mnt/models/{{ .Values.models.imageVolume.subPath }}
{{- else -}}
/mnt/models
{{- end -}}
{{- end -}}

{{/* Whole numbers as they were written: Helm reads them as floats, which it would print as 5.24288e+07. */}}
{{- define "nestor.setting" -}}
{{- if kindIs "float64" . -}}{{ int64 . }}{{- else if kindIs "slice" . -}}{{ join "," . }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{- define "nestor.prefix" -}}
{{- get .Values.settings "API_PREFIX" | default "/api" | trimSuffix "/" -}}
{{- end -}}
