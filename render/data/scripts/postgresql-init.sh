#!/bin/sh
# Runs once, while the image makes an empty data folder: adds the application's
# user with a database of its own, and a user for replication. The administrator
# is the image's own user. Names and passwords come from the environment and
# never stand in an argument, which other processes could read.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set app `printf %s "$APP_USERNAME"`
\set app_password `printf %s "$APP_PASSWORD"`
\set app_database `printf %s "$APP_DATABASE"`
\set replication `printf %s "$REPLICATION_USERNAME"`
\set replication_password `printf %s "$REPLICATION_PASSWORD"`
CREATE ROLE :"app" LOGIN PASSWORD :'app_password';
CREATE DATABASE :"app_database" OWNER :"app";
REVOKE ALL ON DATABASE :"app_database" FROM PUBLIC;
CREATE ROLE :"replication" LOGIN REPLICATION PASSWORD :'replication_password';
SQL
printf 'host replication %s all scram-sha-256\n' "$REPLICATION_USERNAME" >>"$PGDATA/pg_hba.conf"
# Extensions of the image that only an administrator can add.
for extension in ${APP_EXTENSIONS:-}; do
	psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$APP_DATABASE" --command \
		"DO \$\$ BEGIN IF EXISTS (SELECT FROM pg_available_extensions WHERE name = '$extension') THEN CREATE EXTENSION IF NOT EXISTS \"$extension\"; END IF; END \$\$"
done
