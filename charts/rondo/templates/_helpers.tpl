{{- define "rondo.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "rondo.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "rondo.labels" -}}
{{ include "rondo.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "rondo.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "rondo.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "rondo.credentials" -}}
{{- default (printf "%s-credentials" (include "rondo.fullname" .)) .Values.credentials.existingSecret -}}
{{- end -}}

{{- define "rondo.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* The port of an address such as ":8080" or "0.0.0.0:8080". */ -}}
{{- define "rondo.port" -}}
{{- splitList ":" . | last -}}
{{- end -}}

{{- /* rondo.yaml: the values of config, with the paths of credentials that were left out. */ -}}
{{- define "rondo.config" -}}
{{- $c := deepCopy .Values.config -}}
{{- $dir := "/etc/rondo/credentials" -}}
{{- if not $c.github.webhook_secret_file -}}
{{- $_ := set $c.github "webhook_secret_file" (printf "%s/webhook" $dir) -}}
{{- end -}}
{{- if and $c.github.app.id (not $c.github.app.private_key_file) -}}
{{- $_ := set $c.github.app "private_key_file" (printf "%s/github.pem" $dir) -}}
{{- end -}}
{{- if and .Values.credentials.githubToken (not $c.github.token_file) -}}
{{- $_ := set $c.github "token_file" (printf "%s/github-token" $dir) -}}
{{- end -}}
{{- if and $c.git.hosts (not $c.git.token_file) -}}
{{- $_ := set $c.git "token_file" (printf "%s/git-token" $dir) -}}
{{- end -}}
{{- if and .Values.credentials.sshKey (not $c.git.ssh_key_file) -}}
{{- $_ := set $c.git "ssh_key_file" (printf "%s/ssh-key" $dir) -}}
{{- end -}}
{{- if and .Values.credentials.knownHosts (not $c.git.known_hosts_file) -}}
{{- $_ := set $c.git "known_hosts_file" (printf "%s/known-hosts" $dir) -}}
{{- end -}}
{{- if and .Values.credentials.ageKey (not $c.secrets.age_key_file) -}}
{{- $_ := set $c.secrets "age_key_file" (printf "%s/age-key" $dir) -}}
{{- end -}}
{{- range $c.access -}}
{{- if not .token_file -}}
{{- $_ := set . "token_file" (printf "%s/access-%s" $dir .name) -}}
{{- end -}}
{{- end -}}
{{- toYaml $c -}}
{{- end -}}
