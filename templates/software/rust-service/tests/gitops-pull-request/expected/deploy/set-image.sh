#!/bin/sh
# Writes the image that an environment runs into its values file; nothing is deployed until that is in acme/gitops.
# Usage: GITOPS=CLONE sh deploy/set-image.sh ENVIRONMENT TAG DIGEST
set -eu

environment=$1 tag=$2 digest=$3
values=${GITOPS:?is the folder of a clone of acme/gitops}/apps/payments-api/envs/$environment/values.yaml

if [ ! -f "$values" ]; then
  echo "there is no environment $environment: $values is missing; is the pull request that adds it merged?" >&2
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
