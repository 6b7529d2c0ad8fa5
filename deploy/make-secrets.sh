#!/bin/sh
# Makes the passwords that docker-compose.yml needs, in deploy/secrets, unless they are there.
set -eu
cd "$(dirname "$0")/secrets"
chmod 700 .
for name in postgres ingest transcribe summarize query; do
    file=${name}_password
    test -s "$file" || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "$file"
    # Containers run as users of their own; on the host the folder keeps others out.
    chmod 444 "$file"
done
