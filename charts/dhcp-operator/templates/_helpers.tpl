{{- /* Of a Service it may take 63 octets and no dots; the longest that is made of it ends in -dashboard. */ -}}
{{- define "dhcp-operator.name" -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- $name := contains $chart .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $chart) -}}
{{- default $name .Values.fullnameOverride | replace "." "-" | trunc 53 | trimSuffix "-" -}}
{{- end }}

{{- define "dhcp-operator.selector" -}}
app.kubernetes.io/name: dhcp-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "dhcp-operator.labels" -}}
{{- include "dhcp-operator.labelsAnd" (dict "root" . "more" dict) -}}
{{- end }}

{{- /* The labels of everything, and more; what the chart relies on cannot be changed by them. */ -}}
{{- define "dhcp-operator.labelsAnd" -}}
{{- $root := .root -}}
{{- $own := include "dhcp-operator.selector" $root | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_") -}}
{{- toYaml (merge $own .more $root.Values.commonLabels) -}}
{{- end }}

{{- define "dhcp-operator.image" -}}
{{- with .root.Values.imageRegistry }}{{ trimSuffix "/" . }}/{{ end }}{{ .image.repository }}
{{- if .image.digest }}{{ with .image.tag }}:{{ . }}{{ end }}@{{ .image.digest }}
{{- else }}:{{ default .root.Chart.AppVersion .image.tag }}{{ end }}
{{- end }}

{{- define "dhcp-operator.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "dhcp-operator.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.create=false: say in serviceAccount.name which ServiceAccount the operator shall use" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- /* The names of the pull secrets, which may be written as a Pod has them, too. */ -}}
{{- define "dhcp-operator.pullSecrets" -}}
{{- range .Values.imagePullSecrets }}
{{- if kindIs "string" . }}
- {{ quote . }}
{{- else }}
- {{ quote .name }}
{{- end }}
{{- end }}
{{- end }}

{{- define "dhcp-operator.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "dhcp-operator.nobody" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}
