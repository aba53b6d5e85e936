#!/bin/sh
# Starts the server with its password from the environment, in a file that only
# it can read: an argument could be read by other processes.
set -eu
umask 077
printf 'requirepass %s\n' "$REDIS_PASSWORD" >/run/rondo/redis.conf
exec redis-server /run/rondo/redis.conf --dir /data --port 6379 --bind '*' '-::*' --appendonly yes "$@"
