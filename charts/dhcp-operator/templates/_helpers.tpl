{{- define "dhcp-operator.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end -}}
{{- end }}

{{- define "dhcp-operator.selector" -}}
app.kubernetes.io/name: dhcp-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "dhcp-operator.labels" -}}
{{ include "dhcp-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "dhcp-operator.image" -}}
{{ .image.repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end }}
