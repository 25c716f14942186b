{{- define "regfix-cluster.name" -}}
{{- printf "%s-regfix-cluster" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "regfix-cluster.labels" -}}
app.kubernetes.io/name: regfix-cluster
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "regfix-cluster.image" -}}
{{- $repository := required "image.repository: name an image with regfix and kubectl in it (packaging/Dockerfile.cluster)" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}
