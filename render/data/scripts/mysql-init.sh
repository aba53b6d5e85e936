#!/bin/sh
# Runs once, while the image makes an empty data folder, after the image has made
# the application's user and database: adds a user for replication.
set -eu
MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql --protocol=socket --user=root <<SQL
CREATE USER '$REPLICATION_USERNAME'@'%' IDENTIFIED BY '$REPLICATION_PASSWORD';
GRANT REPLICATION SLAVE ON *.* TO '$REPLICATION_USERNAME'@'%';
SQL
