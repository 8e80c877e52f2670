# What the suites beside cargo's share; sourced, not run. A suite says its name in `suite` first.

not_tested() { # why: the suite ends here, and that is no failure
  echo "$suite: not tested ($*)" >&2
  exit 0
}

# Makes a Python environment with what requirements.txt names, once, beside the folder of the command; sets `environment`.
python_environment() { # the command, what it is that pip installs
  environment=$(dirname "$(dirname "$1")")/$suite-$(sha256sum requirements.txt | cut -c1-12)
  [ ! -x "$environment/bin/python" ] || return 0
  local new=$environment.new
  rm -rf "$new"
  command -v python3 >/dev/null || not_tested "the program python3 is missing"
  python3 -m venv "$new" >/dev/null 2>&1 || not_tested "Python cannot make an environment (the package python3-venv?)"
  "$new/bin/python" -m pip install -q --disable-pip-version-check --retries 1 --timeout 20 -r requirements.txt ||
    not_tested "pip cannot install $2"
  mv "$new" "$environment"
}

# Serves the demo workspace beside a sandbox until the script ends; sets `work`, a folder that ends with it, `address`, and
# `password`, with which the users `ada` (admin) and `vera` (viewer) log in.
serve_demo() { # the command
  work=$(mktemp -d)
  started=()
  trap end_demo EXIT
  "$1" demo "$work/demo" --quiet >/dev/null
  export CONSIGN_DATA=$work/demo/.consign
  password=$(head -c 18 /dev/urandom | base64)
  "$1" users add ada --role admin --quiet <<<"$password"
  "$1" users add vera --role viewer --quiet <<<"$password"
  "$1" sandbox --port 0 --state "$work/demo/.sandbox" >"$work/sandbox" 2>&1 &
  started+=($!)
  local sandbox
  sandbox=$(address_in "$work/sandbox" $!)
  "$1" serve --sandbox-url "$sandbox" --listen 127.0.0.1:0 2>"$work/log" &
  started+=($!)
  address=$(address_in "$work/log" $!)
}

end_demo() {
  local process
  for process in "${started[@]}"; do
    kill "$process" 2>/dev/null && wait "$process" || true
  done
  rm -rf "$work"
}

address_in() { # file, process: the address that it says
  until grep -q 'http://' "$1"; do
    kill -0 "$2" 2>/dev/null || { cat "$1" >&2; exit 1; }
    sleep 0.1
  done
  grep -m 1 -o 'http://.*' "$1"
}
