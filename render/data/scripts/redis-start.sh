#!/bin/sh
# Starts the server with its password from the environment, in a file that only
# it can read: an argument could be read by other processes.
set -eu
umask 077
folder=${RUN_FOLDER:-/run/rondo}
printf 'requirepass %s\n' "$REDIS_PASSWORD" >"$folder/redis.conf"
exec redis-server "$folder/redis.conf" --dir "${DATA_FOLDER:-/data}" --port 6379 --bind '*' '-::*' --appendonly yes "$@"
