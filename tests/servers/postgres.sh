#!/usr/bin/env bash
# PostgreSQL with passwords. It refuses to run as root, so as root it runs as a user of its own.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

port=$((base_port + 40))
name=consign
password=consign-postgres-password

# Debian keeps the server's programs off the path.
find_programs() {
  local newest
  newest=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
  PATH=$PATH${newest:+:$newest}
}

install() {
  find_programs
  command -v initdb >/dev/null && return
  # Without the cluster that the package would start.
  if is_root && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  fi
  apt_install postgresql
}

as() { if is_root; then (cd / && runuser -u consignpg -- env "PATH=$PATH" "$@"); else "$@"; fi; }

start() {
  find_programs
  need initdb pg_ctl psql
  port_is_free "$port"
  mkdir -p "$folder/pg"
  if is_root; then
    need runuser
    id consignpg >/dev/null 2>&1 || useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin consignpg
    chmod 755 "$folder"
    chown -R consignpg: "$folder/pg"
  fi
  if [ ! -s "$folder/pg/data/PG_VERSION" ]; then
    as initdb -D "$folder/pg/data" -U postgres -E UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 -N \
      >"$folder/initdb.log" 2>&1 || fail "initdb fails: $(tail -1 "$folder/initdb.log")"
  fi
  # Only power loss could tell that it does not sync.
  as pg_ctl -D "$folder/pg/data" -l "$folder/pg/log" -w -t 60 \
    -o "-p $port -k $folder/pg -h 127.0.0.1 -c fsync=off" start >/dev/null || fail "postgres does not start: see $folder/pg/log"
  local sql
  for sql in "create role $name login password '$password'" "create database $name owner $name"; do
    as psql -Xq -h "$folder/pg" -p "$port" -U postgres -c "$sql" 2>/dev/null || true
  done
  echo "CONSIGN_TEST_POSTGRES_URL=postgres://$name:$password@127.0.0.1:$port/$name"
}

stop() {
  find_programs
  if [ -s "$folder/pg/data/postmaster.pid" ]; then as pg_ctl -D "$folder/pg/data" -m fast -w -t 60 stop >/dev/null; fi
}

main "$@"
