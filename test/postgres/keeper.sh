#!/bin/sh
# Runs a PostgreSQL in a directory until standard input closes, which it does when whoever holds its other end dies,
# then removes both. Arguments: the programs' directory, the directory, whether commits wait for the disk.
set -eu
bin=$1 dir=$2 durable=$3
clean() {
  "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$dir"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM
"$bin/initdb" --pgdata="$dir/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync >/dev/null
printf 'local all guarded scram-sha-256\nlocal all all trust\n' >"$dir/data/pg_hba.conf"
if [ "$durable" = false ]; then
  echo "fsync = off" >>"$dir/data/postgresql.conf"
fi
"$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
  -o "-c listen_addresses= -c unix_socket_directories='$dir' -c max_connections=200" start >/dev/null || {
  cat "$dir/log" >&2
  exit 1
}
echo ready
read -r _ || true
