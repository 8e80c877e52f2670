#!/usr/bin/env bash
# No server: a clock that tests can put forward and back under a process, by libfaketime.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

library() { find /usr/lib /usr/local/lib -name libfaketimeMT.so.1 2>/dev/null | head -1; }

install() { [ -n "$(library)" ] || apt_install libfaketime; }

start() {
  local library
  library=$(library)
  [ -n "$library" ] || fail "libfaketime is missing"
  echo "CONSIGN_TEST_CLOCK=$library"
}

stop() { :; }

main "$@"
