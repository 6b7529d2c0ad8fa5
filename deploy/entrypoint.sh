#!/bin/sh
# Sets NAME to the contents of the file that NAME_FILE names, for secrets, as the official images do; then runs the command.
set -eu
for name in $(env | sed -n 's/^\([A-Z0-9_]*\)_FILE=.*/\1/p'); do
    eval "file=\${${name}_FILE}"
    value=$(cat "$file")
    export "$name=$value"
done
exec "$@"
