#!/usr/bin/env bash
# Writes the messages and services of proto/ as TypeScript into a folder: generate.sh FOLDER.
# Needs `make install` (protoc and Google's own protos come with Python packages) and `npm ci`.
set -euo pipefail
out=$(realpath -m "$1")
cd "$(dirname "$0")/../../.."

googleapis=$(.venv/bin/python -c 'import os, google.rpc; print(os.path.dirname(os.path.dirname(google.rpc.__path__[0])))')
rm -rf "$out"
mkdir -p "$out"
find proto -name '*.proto' -printf '%P\n' | sort | xargs .venv/bin/python -m grpc_tools.protoc -Iproto "-I$googleapis" -Isdk/typescript/proto \
    --plugin=protoc-gen-es=sdk/typescript/node_modules/.bin/protoc-gen-es --es_out="$out" --es_opt=target=ts,import_extension=js \
    google/api/annotations.proto google/api/http.proto google/rpc/error_details.proto google/rpc/status.proto \
    grpc/health/v1/health.proto
