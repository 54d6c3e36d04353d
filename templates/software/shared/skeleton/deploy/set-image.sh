#!/bin/sh
# Writes the image that an environment runs into its values file; nothing is deployed until that is {% if values.gitops %}in ${{ values.gitops.slug }}{% else %}on main{% endif %}.
# Usage: {% if values.gitops %}GITOPS=CLONE {% endif %}sh deploy/set-image.sh ENVIRONMENT TAG DIGEST
set -eu

environment=$1 tag=$2 digest=$3
{% if values.gitops %}values=${GITOPS:?is the folder of a clone of ${{ values.gitops.slug }}}/${{ values.gitops.folder }}/$environment/values.yaml{% else %}values=$(dirname "$0")/../chart/values-$environment.yaml{% endif %}

if [ ! -f "$values" ]; then
  echo "there is no environment $environment: $values is missing{% if values.gitops and values.gitops.delivery === 'pull-request' %}; is the pull request that adds it merged?{% endif %}" >&2
  exit 1
fi
if ! printf '%s\n' "$digest" | grep -Eqx 'sha256:[0-9a-f]{64}'; then
  echo "$digest is not a digest (sha256: and 64 hexadecimal digits)" >&2
  exit 1
fi
if ! printf '%s\n' "$tag" | grep -Eqx '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'; then
  echo "$tag is not an image tag" >&2
  exit 1
fi

written=$(mktemp)
sed -e "s/^  tag: .*/  tag: \"$tag\"/" -e "s/^  digest: .*/  digest: \"$digest\"/" "$values" > "$written"
cat "$written" > "$values"
rm "$written"
