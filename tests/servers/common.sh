# What the scripts beside this one share; sourced, not run.
#
#   SCRIPT install       once; into the user's cache, or by the system's package manager
#   SCRIPT start FOLDER  on loopback only; prints the variables that tests read
#   SCRIPT stop FOLDER   ends what it started, and nothing else
#
# The last line that a failing script writes to stderr is the reason.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/consign/servers
# Each server takes ports from here on; choose another for a second run at the same time.
base_port=${CONSIGN_TEST_PORTS:-21300}

fail() {
  echo "$*" >&2
  exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

need() { # need COMMAND...: all of them are there
  local one
  for one in "$@"; do command -v "$one" >/dev/null || fail "the program $one is missing"; done
}

apt_install() { # apt_install PACKAGE: on Debian and its kin, as root
  is_root && command -v apt-get >/dev/null || fail "the package $1 is missing, and only root can install it"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1" >/dev/null 2>&1 ||
    { apt-get update -q >/dev/null 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1" >/dev/null 2>&1; } ||
    fail "the package $1 cannot be installed"
}

venv() { # venv NAME REQUIREMENT...: Python packages in an environment of their own, whole or not at all
  local target=$cache/$1
  shift
  need python3
  rm -rf "$target.new"
  mkdir -p "$cache"
  python3 -m venv "$target.new" || fail "Python cannot make an environment (the package python3-venv?)"
  "$target.new/bin/pip" install -q --disable-pip-version-check --no-deps "$@" || fail "pip cannot install $*"
  rm -rf "$target"
  mv "$target.new" "$target"
}

port_is_free() { # port_is_free PORT
  if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then fail "port $1 is in use; set CONSIGN_TEST_PORTS"; fi
}

launch() { # launch NAME COMMAND...: in the background, with a log
  local name=$1
  shift
  setsid "$@" >"$folder/$name.log" 2>&1 </dev/null &
  echo $! >"$folder/$name.pid"
}

lives() { # lives NAME: it runs, and is no zombie
  local state
  state=$(sed 's/.*) //' "/proc/$(cat "$folder/$1.pid" 2>/dev/null)/stat" 2>/dev/null | cut -c1)
  [ -n "$state" ] && [ "$state" != Z ] && [ "$state" != X ]
}

end() { # end NAME: two seconds to stop by itself
  local pid i
  if lives "$1"; then
    pid=$(cat "$folder/$1.pid")
    kill "$pid" 2>/dev/null || true
    for ((i = 0; i < 20; i++)); do
      lives "$1" || break
      sleep 0.1
    done
    if lives "$1"; then kill -9 "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$folder/$1.pid"
}

await() { # await NAME COMMAND...: until the command succeeds, for 30 s, while NAME lives
  local name=$1 i
  shift
  for ((i = 0; i < 300; i++)); do
    lives "$name" || break
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  tail -5 "$folder/$name.log" >&2
  end "$name"
  fail "$name does not answer"
}

main() { # main install|start|stop [FOLDER]: runs the function of that name
  case ${1:-} in
    install) install ;;
    start | stop)
      folder=${2:?name a folder}
      mkdir -p "$folder"
      folder=$(cd "$folder" && pwd)
      "$1"
      ;;
    *) fail "usage: $0 install | start FOLDER | stop FOLDER" ;;
  esac
}
